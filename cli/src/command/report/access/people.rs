//! Who could do what to one ref, by the daemon's own answer to `who`.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{Channel, RefName, Repository};
use oam_proto::v1::{Circumstances, WhoOpening, WhoRequest, who_response::Step};

use super::basis::Basis;
use crate::{
    client::{Admin, CallError},
    failure::Failure,
};

/// What can be done to a ref, and by which way in: whoever may merge a pull request changes a branch, too.
const WAYS: [(Channel, &str, &str); 5] = [
    (Channel::Push, "create", "create"),
    (Channel::Push, "update", "update"),
    (Channel::Push, "force", "force"),
    (Channel::Push, "delete", "delete"),
    (Channel::PullRequestMerge, "update", "merge"),
];

/// What somebody may do, and through what.
#[derive(Debug, Default)]
struct May {
    service: bool,
    what: Vec<&'static str>,
    through: BTreeSet<String>,
    unless: BTreeSet<String>,
}

/// Who could do what to one ref.
#[derive(Debug, Default)]
pub(super) struct Access {
    people: BTreeMap<String, May>,
    /// Those who could, were there no rule that stops them, by what would carry it.
    stopped: BTreeMap<(String, u64), May>,
}

impl Access {
    /// Asks.
    pub(super) async fn ask(
        admin: &mut Admin,
        basis: &Basis,
        repository: &Repository,
        name: &RefName,
    ) -> Result<Self, Failure> {
        let mut access = Self::default();
        for (channel, verb, what) in WAYS {
            let request = WhoRequest {
                repository: repository.to_string(),
                r#ref: name.as_bytes().to_vec(),
                verb: verb.into(),
                at_micros: basis.at.as_microsecond(),
                policy: basis.files.clone(),
                generation: basis.generation,
                channel: channel.as_str().into(),
                // No path that is changed: who may change some is told, and not asked for which.
                circumstances: Some(Circumstances { tag: "signed".into(), ..Circumstances::default() }),
            };
            access.add(admin, request, basis, what).await?;
        }
        Ok(access)
    }

    async fn add(
        &mut self,
        admin: &mut Admin,
        request: WhoRequest,
        basis: &Basis,
        what: &'static str,
    ) -> Result<(), Failure> {
        let mut steps = admin.who(request).await?.into_inner();
        while let Some(response) = steps.message().await? {
            match response.step {
                Some(Step::Opening(opening)) if opening.policy != basis.policy => {
                    return Err(not_of_then("policy", &basis.policy));
                }
                Some(Step::Opening(opening)) if !opening.undecided.is_empty() => {
                    let missing = "it cannot say who could";
                    return Err(CallError::Incomplete { missing }.into());
                }
                Some(Step::Opening(opening)) => self.add_all_unknown(opening, what),
                Some(Step::Can(can)) => {
                    let standing = through(&can.grant, &can.role);
                    // What ends by itself is no standing right, and nobody attests it as one.
                    let through = match can.privilege.as_str() {
                        "" => standing,
                        id => format!("{standing}, for a while as {id}"),
                    };
                    for one in can.principals {
                        let may = self.people.entry(one.username).or_default();
                        may.service = one.service;
                        if may.what.last() != Some(&what) {
                            may.what.push(what);
                        }
                        may.through.insert(through.clone());
                    }
                }
                Some(Step::Stopped(stopped)) => {
                    let way = through(&stopped.grant, &stopped.role);
                    let may = self.stopped.entry((way.clone(), stopped.count)).or_default();
                    if may.what.last() != Some(&what) {
                        may.what.push(what);
                    }
                    may.through.insert(way);
                    may.unless.extend(stopped.rules);
                }
                Some(Step::Faults(_)) => return Err(not_of_then("policy", &basis.policy)),
                None => {}
            }
        }
        Ok(())
    }

    /// Those of whom it depends on what is not said, and those of whom nothing can be decided.
    fn add_all_unknown(&mut self, opening: WhoOpening, what: &'static str) {
        let unclear = format!("depends on {}", opening.unclear_for_want_of);
        self.add_unknown(("unclear", opening.unclear), what, [unclear]);
        let undecided = opening.undecided_because.into_iter().map(|reason| reason.summary);
        self.add_unknown(("undecided", opening.undecided_people), what, undecided);
    }

    /// So many of whom it is not known whether they may, and why not.
    fn add_unknown(
        &mut self,
        (kind, count): (&str, u64),
        what: &'static str,
        why: impl IntoIterator<Item = String>,
    ) {
        if count == 0 {
            return;
        }
        let may = self.stopped.entry((format!("({kind})"), count)).or_default();
        if may.what.last() != Some(&what) {
            may.what.push(what);
        }
        may.unless.extend(why);
    }

    /// Everybody who may, a row each.
    pub(super) fn people(
        &self,
        repository: &Repository,
        name: &RefName,
    ) -> impl Iterator<Item = [String; 7]> {
        let place = place(repository, name);
        self.people.iter().map(move |(who, may)| {
            let kind = if may.service { "service" } else { "user" };
            row(&place, who.clone(), kind, may)
        })
    }

    /// Everybody who may, and those whom a rule stops.
    pub(super) fn rows(&self, repository: &Repository, name: &RefName) -> impl Iterator<Item = [String; 7]> {
        let place = place(repository, name);
        let stopped = self
            .stopped
            .iter()
            .map(move |((_, count), may)| row(&place, format!("{count} people"), "stopped", may));
        self.people(repository, name).chain(stopped)
    }
}

fn place(repository: &Repository, name: &RefName) -> [String; 2] {
    [repository.to_string(), String::from_utf8_lossy(name.as_bytes()).into_owned()]
}

fn row([repository, name]: &[String; 2], who: String, kind: &str, may: &May) -> [String; 7] {
    let joined = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    [
        repository.clone(),
        name.clone(),
        who,
        kind.to_owned(),
        may.what.join(" "),
        joined(&may.through),
        joined(&may.unless),
    ]
}

fn through(grant: &str, role: &str) -> String {
    if role.is_empty() { grant.to_owned() } else { format!("{grant} ({role})") }
}

fn not_of_then(what: &str, digest: &str) -> Failure {
    Failure::NoAnswer {
        what: format!("what the daemon keeps as the {what} {digest} is not that one"),
        help: "somebody changed the folder `policy-history`; restore it from a copy",
    }
}

#[cfg(test)]
mod tests {
    use oam_policy::RefName;
    use oam_proto::v1::{Reason, WhoOpening};

    use super::Access;

    #[test]
    fn those_of_whom_it_is_not_known_are_told_with_why() {
        let mut access = Access::default();
        let stale = Reason { summary: "The source `okta` is too old.".into(), ..Reason::default() };
        let opening = WhoOpening {
            unclear: 3,
            unclear_for_want_of: "the changed paths".into(),
            undecided_people: 2,
            undecided_because: vec![stale],
            ..WhoOpening::default()
        };
        access.add_all_unknown(WhoOpening { undecided_people: 3, ..opening.clone() }, "create");
        access.add_all_unknown(opening, "update");
        access.add_all_unknown(WhoOpening::default(), "force");
        let name = RefName::parse(b"refs/heads/main").unwrap();
        let repository = "PAY/api".parse().unwrap();
        let rows: Vec<_> = access.rows(&repository, &name).map(|row| row[2..].join("|")).collect();
        assert_eq!(
            rows,
            [
                "3 people|stopped|create update||depends on the changed paths",
                "2 people|stopped|update||The source `okta` is too old.",
                // As many as above, and others.
                "3 people|stopped|create||The source `okta` is too old.",
            ]
        );
    }
}
