//! `oam report access-matrix` and `oam report access-review`: who could do what where, at one moment.

mod basis;
mod people;
mod reviewed;
mod services;

use std::collections::BTreeSet;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::Event;
use oam_policy::{RefName, Repository};

use super::Work;
use crate::{
    client::Admin,
    command::{
        Context, Ending,
        audit::Place,
        question::full_name,
        when::{When, when},
    },
    exit::Exit,
    failure::Failure,
    output::report::{Format, Kind, Report, Row, moment},
    query::Filter,
};
use basis::Basis;
use people::Access;
use reviewed::Reviewed;
pub(super) use services::{Services, services};

const MATRIX: Kind = Kind {
    name: "access-matrix",
    title: "Access matrix",
    question: "Who could do what where, at that moment?",
    controls: &["SOC 2 CC6.1", "ISO/IEC 27001 A.5.15", "ISO/IEC 27001 A.8.3", "ISO/IEC 27001 A.8.4"],
    columns: &["repository", "ref", "who", "kind", "may", "through", "unless"],
};

pub(super) const REVIEW: Kind = Kind {
    name: "access-review",
    title: "Access review",
    question: "Does everybody who can change the repository still need to?",
    controls: &["SOC 2 CC6.3", "ISO/IEC 27001 A.5.18", "ISO/IEC 27001 A.5.3"],
    columns: &[
        "repository",
        "ref",
        "who",
        "kind",
        "may",
        "through",
        "last push",
        "reviewed",
        "keep or remove",
        "reviewer",
    ],
};

/// The branch that most repositories have.
const USUAL_BRANCH: &str = "refs/heads/main";
/// Repositories that were pushed to so long before are looked at, where none are named.
const PUSHED_WITHIN: SignedDuration = SignedDuration::from_hours(90 * 24);

/// `oam report access-matrix` and `oam report access-review`.
#[derive(Debug, Args)]
pub struct Matrix {
    /// At that moment: a day (`2026-12-24`: at its beginning), a moment, or so long ago; without it, now
    #[arg(long, value_name = "WHEN", value_parser = when)]
    at: Option<When>,
    /// This repository; may be given more than once. Without any: all that were pushed to in the 90 days before
    #[arg(long, value_name = "REPO")]
    repository: Vec<Repository>,
    /// This ref, by its full name; may be given more than once. Without any: refs/heads/main, and each that the policy
    /// names without a pattern
    #[arg(long, value_name = "REF", value_parser = |text: &str| full_name(text.as_ref()))]
    r#ref: Vec<RefName>,
    /// How it is printed; with `--json`, as `json`
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    place: Place,
}

/// Prints who could do what where.
///
/// # Errors
/// When the log cannot be read, or the daemon cannot be asked or does not keep the policy or the directory of then.
pub(super) async fn matrix(command: &Matrix, context: &mut Context) -> Ending {
    let mut asked = Asked::find(command, context).await?;
    let mut report = asked.report(MATRIX, command.format, context)?;
    for repository in asked.repositories.clone() {
        for name in asked.refs.clone() {
            let access = Access::ask(&mut asked.admin, &asked.basis, &repository, &name).await?;
            for row in access.rows(&repository, &name) {
                report.row(Row { cells: row.to_vec(), finding: false })?;
            }
        }
        if report.is_closed() {
            break;
        }
    }
    asked.notes.push(
        "`unless` names the rules that stop somebody who has a grant; where it depends on the paths that change, it says so".into(),
    );
    asked.end(report)
}

/// Prints the same to be reviewed: with what each did last, and room for a decision.
///
/// # Errors
/// As [`matrix`].
pub(super) async fn review(command: &Matrix, context: &mut Context) -> Ending {
    let mut asked = Asked::find(command, context).await?;
    let mut reviewed = Reviewed::find(&mut asked.work)?;
    let mut report = asked.report(REVIEW, command.format, context)?;
    for repository in asked.repositories.clone() {
        for name in asked.refs.clone() {
            let access = Access::ask(&mut asked.admin, &asked.basis, &repository, &name).await?;
            for [repository, name, who, kind, may, through, _] in access.people(&repository, &name) {
                let last = asked.last_push(&who, &repository)?;
                let (said, finding) = reviewed.of([&repository, &name, &who, &kind, &may, &through]);
                let (decision, reviewer) = (String::new(), String::new());
                let cells = vec![repository, name, who, kind, may, through, last, said, decision, reviewer];
                report.row(Row { cells, finding })?;
            }
        }
        if report.is_closed() {
            break;
        }
    }
    let (repositories, refs) = (&asked.repositories, &asked.refs);
    let gone = reviewed.gone(|repository, name| {
        repositories.iter().any(|one| one.to_string().to_lowercase() == repository)
            && refs.iter().any(|one| one.as_bytes() == name.as_bytes())
    });
    asked.notes.extend(gone);
    asked.notes.push(
        "nobody reviews their own row; what is to be removed is taken away at the source of the group, or in the policy".into(),
    );
    asked.end(report)
}

/// What is asked, and what it rests on.
struct Asked {
    work: Work,
    admin: Admin,
    basis: Basis,
    repositories: Vec<Repository>,
    refs: Vec<RefName>,
    notes: Vec<String>,
}

impl Asked {
    async fn find(command: &Matrix, context: &Context) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let at = command.at.map_or(now, |at| at.moment(now));
        let since = at.saturating_sub(PUSHED_WITHIN).unwrap_or(Timestamp::UNIX_EPOCH);
        let search = command.place.search(Filter::default(), context)?;
        let mut work = Work::new(search, since, at, now);
        let mut admin = context.address.connect().await?;
        let basis = Basis::find(&mut work, &mut admin, at).await?;
        let mut notes: Vec<String> = work.gone().into_iter().collect();
        let repositories = if command.repository.is_empty() {
            notes.push(
                "repositories: those that were pushed to in the 90 days before; others with `--repository`"
                    .into(),
            );
            pushed_to(&mut work)?
        } else {
            command.repository.clone()
        };
        let refs = if command.r#ref.is_empty() {
            notes.push("refs: refs/heads/main, and each that the policy names without a pattern; others with `--ref`".into());
            named_refs(&basis)
        } else {
            command.r#ref.clone()
        };
        Ok(Self { work, admin, basis, repositories, refs, notes })
    }

    fn report<'t>(
        &mut self,
        kind: Kind,
        format: Format,
        context: &'t mut Context,
    ) -> Result<Report<'t>, Failure> {
        begin(&mut self.work, &self.basis, kind, format, context)
    }

    /// The last push of somebody to a repository that was permitted, in the 90 days before.
    fn last_push(&mut self, who: &str, repository: &str) -> Result<String, Failure> {
        last_push(&mut self.work, who, Some(repository))
    }

    fn end(self, report: Report<'_>) -> Ending {
        let as_it_should_be = report.end(&self.notes)?;
        Ok(if as_it_should_be { Exit::Ok } else { Exit::No })
    }
}

fn begin<'t>(
    work: &mut Work,
    basis: &Basis,
    kind: Kind,
    format: Format,
    context: &'t mut Context,
) -> Result<Report<'t>, Failure> {
    let mut grounds = work.grounds();
    (grounds.since, grounds.until) = (None, None);
    grounds.besides = vec![
        ("at", moment(basis.at)),
        ("policy", basis.policy.clone()),
        ("directory", basis.directory.clone()),
        ("generation", basis.generation.to_string()),
    ];
    Report::begin(kind, format, &grounds, &mut context.terminal)
}

/// The last push of somebody that was permitted, in the 90 days before; to any repository where none is named.
fn last_push(work: &mut Work, who: &str, repository: Option<&str>) -> Result<String, Failure> {
    let filter = Filter {
        user: Some(who.to_lowercase()),
        repository: repository.map(str::to_lowercase),
        outcome: Some(oam_audit::entry::Outcome::Permitted),
        ..work.filter()
    };
    work.search.again(filter);
    let mut last = String::from("none in 90 days");
    while let Some(found) = work.search.next()? {
        last = format!("#{} {}", found.entry.seq, moment(found.entry.time.timestamp()));
    }
    Ok(last)
}

/// The repositories that were pushed to in the time of the report.
fn pushed_to(work: &mut Work) -> Result<Vec<Repository>, Failure> {
    let filter = Filter { kind: Some("decision".into()), ..work.filter() };
    work.search.again(filter);
    let mut seen = BTreeSet::new();
    while let Some(found) = work.search.next()? {
        if let Event::Decision(decision) = found.entry.event {
            seen.insert(decision.repository);
        }
    }
    Ok(seen.iter().filter_map(|name| Repository::parse(name).ok()).collect())
}

/// The refs that the policy names without a pattern.
fn named_refs(basis: &Basis) -> Vec<RefName> {
    let mut names = BTreeSet::from([USUAL_BRANCH.to_owned()]);
    if let Ok(policy) = basis.parsed() {
        let grants = policy.grants().iter().map(|grant| &grant.refs);
        let blocks = policy.blocks().iter().map(|block| &block.refs);
        let requires = policy.requires().iter().map(|require| &require.refs);
        names.extend(grants.chain(blocks).chain(requires).flat_map(oam_policy::rule::RefSet::sources));
    }
    names
        .iter()
        .filter(|name| is_literal(name))
        .filter_map(|name| RefName::parse(name.as_bytes()).ok())
        .collect()
}

fn is_literal(pattern: &str) -> bool {
    pattern.starts_with("refs/") && !pattern.contains(['*', '?', '{', '$', '!', '['])
}
