//! What somebody found in Bitbucket beside what the policy says. What of it is new is recorded before it is known.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_audit::entry::{BitbucketDrift, DriftCount, DriftFound, Event};
use oam_bitbucket::{
    ProjectKey,
    permission::{Holder, HolderKind, Place},
    provision::{Finding, FindingKind, Told},
};
use oam_policy::printable::Printable;
use oam_proto::v1;
use tonic::{Status, Streaming};

use super::{
    provisioning::{bounded, kept, record},
    unavailable,
};
use crate::{
    drift::{Drift, LookedAt, News},
    provisioning::Ledger,
    service::Live,
};

/// How much may be found.
const MOST: usize = 200_000;
/// How much of what is new is written into the log.
const WRITTEN: usize = 20;
/// How much of each is, in characters.
const TOLD: usize = 300;

/// Takes what was found.
pub(super) async fn tell(
    live: &Live,
    actor: String,
    mut messages: Streaming<v1::TellBitbucketDriftRequest>,
) -> Result<v1::TellBitbucketDriftResponse, Status> {
    kept(live)?;
    let (mut found, mut hook_in) = (Vec::new(), BTreeSet::new());
    let mut at = LookedAt { permissions: true, ..LookedAt::default() };
    while let Some(message) = messages.message().await? {
        at.credentials |= message.credentials;
        at.hooks |= message.hooks;
        at.permissions &= !message.hooks_only;
        for one in message.findings {
            found.push(finding(one)?);
        }
        for key in message.hook_projects {
            hook_in.insert(project(&key)?);
        }
        if found.len().max(hook_in.len()) > MOST {
            return Err(Status::resource_exhausted(format!("more than {MOST} findings or projects")));
        }
    }
    found.sort_by_key(Finding::rank);
    let _turn = live.drift.turn().await;
    let News { new, over, mut known } = live.drift.compare(&found, at, Timestamp::now());
    if at.hooks {
        known = known.with_hook_in(hook_in);
    }
    let told = v1::TellBitbucketDriftResponse { new: new.len() as u64, over };
    if told.new > 0 || over > 0 {
        let some = |(kind, count): (FindingKind, u64)| {
            (count > 0).then(|| DriftCount { finding: kind.as_str().to_owned(), count })
        };
        let counts = known.counts().filter_map(some).collect();
        let found = new.iter().take(WRITTEN).map(|one| written(one)).collect();
        let drift = BitbucketDrift { actor, counts, new: told.new, over, found };
        record(live, Event::BitbucketDrift(drift)).await?;
    }
    if let Some(first) = new.first() {
        let (kind, what) = (first.kind.as_str(), Printable::new(&first.what).to_string());
        tracing::warn!(
            new = told.new,
            over,
            kind,
            what,
            "Bitbucket has something beside what the policy says"
        );
    }
    live.drift.keep(known).map_err(|error| unavailable(&error))?;
    Ok(told)
}

/// Refuses that a branch restriction of others is taken away where it may be all that still refuses.
pub(super) fn may_be_lifted(drift: &Drift, ledger: &Ledger, change: &Told) -> Result<(), Status> {
    let lifted = change.restriction().filter(|_| change.step == "lift");
    let of_others = lifted.filter(|restriction| !ledger.restrictions().contains(restriction));
    match of_others.and_then(|(place, _)| drift.unguarded(&place.project(), Timestamp::now())) {
        None => Ok(()),
        Some(why) => Err(Status::failed_precondition(format!(
            "it may be all that still refuses there, since {why}. See to the hook first: `oam bitbucket drift --tell --noted FILE`"
        ))),
    }
}

/// A project for which the hook was installed; a person's own is none, and no name of a person stands there.
fn project(key: &str) -> Result<ProjectKey, Status> {
    let project = key.parse::<ProjectKey>().ok().filter(|project| !project.is_of_person());
    project.ok_or_else(|| Status::invalid_argument("a project with the hook has no good key"))
}

fn finding(wire: v1::BitbucketFinding) -> Result<Finding, Status> {
    let v1::BitbucketFinding { kind, place, holder, thing, what } = wire;
    let wrong = |what: &str| Status::invalid_argument(format!("a finding has no good {what}"));
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let place = some(place).map(|text| text.parse::<Place>()).transpose().map_err(|_| wrong("place"))?;
    // No name of a person stands there.
    if place.as_ref().is_some_and(|place| place.to_string().starts_with('~')) {
        return Err(wrong("place: nobody looks into a person's own project"));
    }
    Ok(Finding {
        kind: FindingKind::parse(&kind).ok_or_else(|| wrong("kind"))?,
        place,
        holder: some(holder).map(|text| text.parse::<Holder>()).transpose().map_err(|_| wrong("holder"))?,
        thing: bounded("thing", thing)?,
        what: bounded("what", what)?,
        mended: false,
    })
}

fn written(one: &Finding) -> DriftFound {
    let of = |kind: HolderKind| {
        one.holder.as_ref().filter(|holder| holder.kind() == kind).map(|holder| holder.name().to_owned())
    };
    DriftFound {
        finding: one.kind.as_str().to_owned(),
        place: one.place.as_ref().map(ToString::to_string),
        user: of(HolderKind::User),
        group: of(HolderKind::Group),
        detail: one.what.chars().take(TOLD).collect(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use oam_bitbucket::provision::Told;
    use tempfile::TempDir;

    use super::may_be_lifted;
    use crate::{
        drift::{Drift, LookedAt},
        provisioning::Ledger,
    };

    #[test]
    fn a_restriction_of_others_stays_where_nobody_knows_that_the_hook_refuses() {
        let folder = TempDir::new().unwrap();
        let (ledger, _) = Ledger::open(&folder.path().join("ledger")).unwrap();
        let told = |step: &str, thing: &str| Told {
            step: step.into(),
            place: "PAY".into(),
            thing: thing.into(),
            ..Told::default()
        };
        let (theirs, ours) = ("read-only BRANCH refs/heads/main", "no-deletes BRANCH refs/heads/main");
        ledger.begin(1, &told("restrict", ours)).unwrap();
        ledger.end(1, Some(true)).unwrap();
        let drift = Drift::default();
        let refused = may_be_lifted(&drift, &ledger, &told("lift", theirs)).unwrap_err();
        assert!(refused.message().contains("See to the hook first"), "{refused}");
        // What is mirrored goes with its rule.
        assert!(may_be_lifted(&drift, &ledger, &told("lift", ours)).is_ok());
        assert!(may_be_lifted(&drift, &ledger, &told("restrict", theirs)).is_ok());
        let hooks = LookedAt { hooks: true, ..LookedAt::default() };
        let look = |projects: &[&str]| {
            let hook_in = projects.iter().map(|key| key.parse().unwrap()).collect();
            let known = drift.compare(&[], hooks, Timestamp::now()).known.with_hook_in(hook_in);
            drift.keep(known).unwrap();
        };
        let lift = |place: &str| {
            let change = Told { place: place.into(), ..told("lift", theirs) };
            may_be_lifted(&drift, &ledger, &change)
        };
        look(&["PAY"]);
        assert!(lift("PAY").is_ok() && lift("PAY/api").is_ok());
        // In WEB no hook was ever installed.
        for place in ["WEB", "WEB/site"] {
            let refused = lift(place).unwrap_err();
            assert!(refused.message().contains("the hook was installed for `WEB`"), "{refused}");
        }
        look(&[]);
        assert!(lift("PAY").is_err());
    }
}
