//! Why the lease of an account did not count for a push that was refused for want of a right. A job that leased something cannot
//! look that up, and its log is all that it has.

use jiff::Timestamp;
use oam_policy::{RefChange, RefUpdate, Request, Username};
use oam_proto::v1;

use crate::privilege::{Leased, Privilege, Privileges, Stage};

/// The reason that a lease could have done away with.
const CODE: &str = "no-grant";

/// Says it in the reasons of refs for which there was no grant, of the lease that comes nearest: one for the ref, and of these
/// the newest.
pub(super) fn add(privileges: &Privileges, request: &Request, decision: &mut v1::Decision) {
    if decision.outcome() != v1::Outcome::Refused {
        return;
    }
    let set = privileges.set();
    let of_account = set.iter().filter_map(|one| {
        let lease = one.what.lease().filter(|lease| !lease.by_token)?;
        (one.by.key() == request.pusher.key() && one.on.matches(&request.repository)).then_some((one, lease))
    });
    let leases: Vec<_> = of_account.collect();
    if leases.is_empty() {
        return;
    }
    let now = privileges.clock().now();
    for refused in &mut decision.refs {
        let Some(reason) = refused.reasons.iter_mut().find(|reason| reason.code == CODE) else { continue };
        let update = request.updates.iter().find(|update| update.name.as_bytes() == refused.name);
        let Some(update) = update else { continue };
        let is_for = |one: &Privilege| one.refs.matches(&update.name, request.pusher.as_str());
        let nearest = leases.iter().max_by_key(|(one, _)| (is_for(one), one.asked));
        let Some((one, lease)) = nearest else { continue };
        let used = privileges.uses_of(&one.id);
        if let Some(why) = why_not((one, lease, used), update, &request.pusher, &refused.verb, now) {
            let told = format!("The lease `{}` of this account does not count: {why}.", one.id);
            reason.hint = if reason.hint.is_empty() { told } else { format!("{told} {}", reason.hint) };
        }
    }
}

fn why_not(
    (one, lease, used): (&Privilege, &Leased, u32),
    update: &RefUpdate,
    pusher: &Username,
    verb: &str,
    now: Timestamp,
) -> Option<String> {
    let quoted = |all: &[String]| all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    if !one.refs.matches(&update.name, pusher.as_str()) {
        return Some(format!("it is for {}", quoted(&one.refs.sources())));
    }
    match one.stage {
        Stage::Ended { at, cause, .. } => return Some(format!("it ended at {at:.0} ({})", cause.as_str())),
        Stage::Live { to, .. } if to <= now => return Some(format!("it was over at {to:.0}")),
        Stage::Live { .. } | Stage::Waiting => {}
    }
    if used >= lease.uses() {
        return Some(format!("it was good for {} pushes, and there were so many", lease.uses()));
    }
    let tip = match &update.change {
        RefChange::Create { new } | RefChange::Move { new, .. } => Some(new),
        RefChange::Delete { .. } | RefChange::Merge { .. } => None,
    };
    if let Some(commit) = lease.commit.as_ref().filter(|commit| tip != Some(commit)) {
        return Some(format!("it is for the commit {commit}, and this is another"));
    }
    let verbs: Vec<_> = lease.verbs.iter().map(|verb| verb.as_str().to_owned()).collect();
    let is_other = !verb.is_empty() && verbs.iter().all(|leased| leased != verb);
    is_other.then(|| format!("it is to {}, and this is to `{verb}`", quoted(&verbs)))
}

#[cfg(test)]
mod tests {
    use oam_audit::entry::{
        Event, Lease, LeaseGiven, PrivilegeBegan, PrivilegeEnd, PrivilegeEnded, PrivilegeKind,
        PrivilegeRequested, Time,
    };
    use oam_policy::{ObjectId, RefName};

    use super::*;
    use crate::privilege::Set;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn set(ended: Option<PrivilegeEnd>) -> Set {
        let id = || "7k2m9x3p".to_owned();
        let given = LeaseGiven { uses: 2, token: "t".into(), token_expires: Time::from(at(3_600)) };
        let lease = Lease {
            workload: "api".into(),
            role: "bot".into(),
            verbs: vec!["create".into()],
            commit: Some("2".repeat(40)),
            paths: Vec::new(),
            by_token: false,
            issuer: "https://ci".into(),
            claims: Default::default(),
            given: Some(given),
        };
        let requested = PrivilegeRequested {
            id: id(),
            privilege: PrivilegeKind::Lease(Box::new(lease)),
            by: "svc".into(),
            actor: "x".into(),
            on: vec!["PAY/api".into()],
            refs: vec!["refs/tags/v1".into()],
            seconds: 60,
            reason: String::new(),
            needed: 0,
        };
        let mut set = Set::default();
        set.apply(0, &Event::PrivilegeRequested(requested), at(0));
        let (from, to) = (at(0).into(), at(60).into());
        set.apply(1, &Event::PrivilegeBegan(PrivilegeBegan { id: id(), of: None, from, to }), at(0));
        if let Some(cause) = ended {
            let ended = PrivilegeEnded { id: id(), of: None, cause, by: "x".into(), reason: None };
            set.apply(2, &Event::PrivilegeEnded(ended), at(30));
        }
        set
    }

    #[test]
    fn a_job_reads_what_became_of_its_lease() {
        let update = |name: &str, tip: u8| RefUpdate {
            name: RefName::parse(name.as_bytes()).unwrap(),
            change: RefChange::Create {
                new: ObjectId::parse_hex(tip.to_string().repeat(40).as_bytes()).unwrap(),
            },
        };
        let told = |ended, used, name: &str, tip, verb, now| {
            let set = set(ended);
            let one = set.iter().next().unwrap();
            let lease = one.what.lease().unwrap();
            why_not((one, lease, used), &update(name, tip), &"svc".parse().unwrap(), verb, at(now))
        };
        let v1 = "refs/tags/v1";
        let other = "it is for the commit 2222222222222222222222222222222222222222, and this is another";
        for (found, expected) in [
            (told(None, 1, v1, 2, "create", 10), None),
            (told(None, 0, "refs/tags/v2", 2, "create", 10), Some("it is for `refs/tags/v1`")),
            (told(None, 2, v1, 2, "create", 10), Some("it was good for 2 pushes, and there were so many")),
            (told(None, 1, v1, 3, "create", 10), Some(other)),
            (told(None, 1, v1, 2, "update", 10), Some("it is to `create`, and this is to `update`")),
            (told(None, 1, v1, 2, "create", 60), Some("it was over at 1970-01-01T00:01:00Z")),
            (
                told(Some(PrivilegeEnd::Revoked), 1, v1, 2, "create", 40),
                Some("it ended at 1970-01-01T00:00:30Z (revoked)"),
            ),
        ] {
            assert_eq!(found.as_deref(), expected);
        }
    }
}
