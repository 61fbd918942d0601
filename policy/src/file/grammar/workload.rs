use super::{
    Shape, TableKind,
    forms::{
        CLAIMS, ID, ISSUER, LENGTH_OF_TIME, MODE, ON, PATH_PATTERNS, PROFILE, REF_PATTERNS, ROLES, USER,
        VERBS,
    },
    tables::{ALLOWS, ON_ABOUT, REFS_ABOUT, may, needs},
};
use crate::rule::Workload;

/// `[[workload]]`
pub(in crate::file) static WORKLOAD: TableKind = TableKind {
    name: "workload",
    what: "a workload",
    about: "Lets the jobs of a CI system lease what is granted to a role, for minutes, by their own tokens.",
    keys: &[
        needs("id", ID, "The workload's id. All rules share one set of ids."),
        needs("profile", PROFILE, "The system: which claim of its tokens tells a job for good."),
        needs("issuer", ISSUER, "What the tokens say in `iss`, to the letter; for SPIFFE the trust domain."),
        needs(
            "claims",
            CLAIMS,
            "What the tokens say, to the letter; the id that the profile asks for among it.",
        ),
        needs("principal", USER, "The account of Bitbucket that pushes for the job."),
        needs(
            "roles",
            ROLES,
            "The roles of which one may be leased: what is granted to it, and nothing else.",
        ),
        needs("on", ON, ON_ABOUT),
        needs("refs", REF_PATTERNS, REFS_ABOUT),
        may("verbs", VERBS, "What a lease may be for; without it, every change."),
        may("paths", PATH_PATTERNS, "Changes to these paths only."),
        may("max_lease", LENGTH_OF_TIME, "How long a lease may last, up to `15m`; `5m` without it."),
        may(
            "uses",
            Shape::Number { from: 1, to: Workload::MOST_USES },
            "How many pushes a lease may be good for; 1 without it.",
        ),
        may("mode", MODE, "As in a grant; in evaluate mode it gives nothing."),
        ALLOWS,
    ],
    laws: &[],
};
