//! Arbitrary entries, for the property tests.

use jiff::Timestamp;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::select,
};

use super::{history::*, *};
use crate::Name;

/// Texts as people and attackers write them: quotes, controls, escapes, other scripts.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-zA-Z0-9/_.-]{0,20}", 1 => any::<String>()]
}

fn hex_id() -> impl Strategy<Value = String> {
    "[0-9a-f]{40}"
}

pub(crate) fn ref_bytes() -> impl Strategy<Value = RefBytes> {
    prop_oneof![
        text().prop_map(|t| RefBytes::from(t.as_str())),
        vec(any::<u8>(), 0..40).prop_map(RefBytes::from)
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        hex_id().prop_map(|new| Change::Create { new }),
        (hex_id(), hex_id()).prop_map(|(old, new)| Change::Move { old, new }),
        hex_id().prop_map(|old| Change::Delete { old }),
        (hex_id(), option::of(hex_id())).prop_map(|(old, from)| Change::WouldMerge { old, from }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    select(vec![Outcome::Permitted, Outcome::Refused, Outcome::Undecided])
}

fn reason() -> impl Strategy<Value = Reason> {
    (text(), option::of(text())).prop_map(|(code, rule)| Reason { code, rule })
}

fn bytes() -> impl Strategy<Value = Text> {
    prop_oneof![
        text().prop_map(|text| Text::from(text.as_bytes())),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Text::from(bytes.as_slice()))
    ]
}

fn listed<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Listed<T>> {
    let end = select(vec![End::Complete, End::Open, End::Unreadable]);
    (any::<u64>(), end, option::of(vec(of, 0..4)), option::of(hex_id()))
        .prop_map(|(told, end, all, sha256)| Listed { told, end, all, sha256 })
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![text().prop_map(Named::Email), text().prop_map(Named::NoEmail)]
}

fn signature() -> impl Strategy<Value = Signature> {
    prop_oneof![
        Just(Signature::Absent),
        text().prop_map(|by| Signature::Good { by }),
        text().prop_map(|address| Signature::GoodByAddress { address }),
        (text(), text()).prop_map(|(cause, why)| Signature::Bad { cause, why }),
    ]
}

fn new_commit() -> impl Strategy<Value = Commit> {
    (hex_id(), bytes(), named(), named(), any::<u64>(), any::<[bool; 2]>(), signature()).prop_map(
        |(id, subject, author, committer, parents, [signed_off, foreign], signature)| Commit {
            id,
            subject,
            author,
            committer,
            parents,
            signed_off,
            foreign,
            signature,
        },
    )
}

fn history() -> impl Strategy<Value = History> {
    let files = (bytes(), any::<u64>()).prop_map(|(path, size)| NewFile { path, size });
    let lists = (option::of(listed(bytes())), option::of(listed(files)), option::of(listed(new_commit())));
    let tip = prop_oneof![
        (named(), signature()).prop_map(|(tagger, signature)| Tip::Tag { tagger, signature }),
        Just(Tip::Other),
        Just(Tip::Unreadable),
    ];
    (vec(text(), 0..3), lists, any::<bool>(), option::of(tip)).prop_map(
        |(refs, (paths, files, commits), signatures, tip)| History {
            refs,
            paths,
            files,
            commits,
            signatures,
            tip,
        },
    )
}

fn lifted() -> impl Strategy<Value = Lifted> {
    (text(), text(), option::of(text())).prop_map(|(rule, waiver, privilege)| Lifted {
        rule,
        waiver,
        privilege,
    })
}

fn privilege_kind() -> impl Strategy<Value = PrivilegeKind> {
    prop_oneof![
        (text(), text()).prop_map(|(elevation, role)| PrivilegeKind::Grant { elevation, role }),
        (text(), vec(text(), 0..3)).prop_map(|(waiver, lifts)| PrivilegeKind::Waiver { waiver, lifts }),
        lease().prop_map(|lease| PrivilegeKind::Lease(Box::new(lease))),
    ]
}

fn lease() -> impl Strategy<Value = Lease> {
    let given = (any::<u32>(), text(), time());
    let given = given.prop_map(|(uses, token, token_expires)| LeaseGiven { uses, token, token_expires });
    let claims = btree_map(text(), text(), 0..3);
    let of = (text(), text(), vec(text(), 0..3), option::of(text()), vec(text(), 0..2), any::<bool>());
    (of, text(), claims, option::of(given)).prop_map(
        |((workload, role, verbs, commit, paths, by_token), issuer, claims, given)| Lease {
            workload,
            role,
            verbs,
            commit,
            paths,
            by_token,
            issuer,
            claims,
            given,
        },
    )
}

fn privilege_held() -> impl Strategy<Value = PrivilegeHeld> {
    let place = (vec(text(), 0..2), vec(text(), 0..2));
    (text(), privilege_kind(), place, (time(), time()), text(), vec(text(), 0..2)).prop_map(
        |(id, privilege, (on, refs), (from, to), reason, approved_by)| PrivilegeHeld {
            id,
            privilege,
            on,
            refs,
            from,
            to,
            reason,
            approved_by,
        },
    )
}

/// What happens to something that somebody has for a while.
fn privilege() -> impl Strategy<Value = Event> {
    use PrivilegeEnd::{Denied, NotAllowed, Over, Returned, Revoked, Unanswered, UsedUp};
    let who = || (text(), text(), text());
    let counts = any::<(u32, u32)>();
    let sort = || select(vec![PrivilegeSort::Grant, PrivilegeSort::Waiver, PrivilegeSort::Lease]);
    let end = select(vec![Over, Unanswered, Denied, Returned, Revoked, NotAllowed, UsedUp]);
    prop_oneof![
        (who(), privilege_kind(), vec(text(), 0..2), vec(text(), 0..2), any::<u64>(), text(), counts)
            .prop_map(|((id, by, actor), privilege, on, refs, seconds, reason, (needed, _))| {
                Event::PrivilegeRequested(PrivilegeRequested {
                    id,
                    privilege,
                    by,
                    actor,
                    on,
                    refs,
                    seconds,
                    reason,
                    needed,
                })
            }),
        (who(), option::of(text()), any::<(u32, u32)>()).prop_map(
            |((id, by, actor), reason, (approvals, needed))| {
                Event::PrivilegeApproved(PrivilegeApproved { id, by, actor, reason, approvals, needed })
            }
        ),
        (text(), option::of(sort()), time(), time())
            .prop_map(|(id, of, from, to)| { Event::PrivilegeBegan(PrivilegeBegan { id, of, from, to }) }),
        (text(), option::of(sort()), end, text(), option::of(text())).prop_map(
            |(id, of, cause, by, reason)| Event::PrivilegeEnded(PrivilegeEnded { id, of, cause, by, reason })
        ),
        (
            text(),
            text(),
            select(vec![PrivilegeReminder::EndsSoon, PrivilegeReminder::Unsigned]),
            time(),
            time()
        )
            .prop_map(|(id, by, about, end, at)| {
                Event::PrivilegeReminded(PrivilegeReminded { id, by, about, end, at })
            }),
        (who(), text(), any::<u64>()).prop_map(|((id, by, actor), reason, pushes)| {
            Event::PrivilegeSignedOff(PrivilegeSignedOff { id, by, actor, reason, pushes })
        }),
        who().prop_map(|(id, by, decision)| Event::PrivilegeUsed(PrivilegeUsed { id, by, decision })),
    ]
}

/// Something is changed in Bitbucket.
fn bitbucket_changed() -> impl Strategy<Value = Event> {
    let stages = vec![ChangeStage::Begun, ChangeStage::Done, ChangeStage::Failed, ChangeStage::Unknown];
    let about = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let change = (option::of(text()), option::of(text()), text(), option::of(text()));
    (select(stages), option::of(any::<u64>()), (text(), text()), about, change).prop_map(
        |(stage, begun, (actor, step), (place, user, group, thing), (before, after, because, detail))| {
            Event::BitbucketChanged(BitbucketChanged {
                stage,
                begun,
                actor,
                step,
                place,
                user,
                group,
                thing,
                before,
                after,
                because,
                detail,
            })
        },
    )
}

fn bitbucket_drift() -> impl Strategy<Value = Event> {
    let count = (text(), any::<u64>()).prop_map(|(finding, count)| DriftCount { finding, count });
    let whose = (option::of(text()), option::of(text()), option::of(text()));
    let found = (text(), whose, text()).prop_map(|(finding, (place, user, group), detail)| DriftFound {
        finding,
        place,
        user,
        group,
        detail,
    });
    (text(), vec(count, 0..3), any::<(u64, u64)>(), vec(found, 0..3)).prop_map(
        |(actor, counts, (new, over), found)| {
            Event::BitbucketDrift(BitbucketDrift { actor, counts, new, over, found })
        },
    )
}

/// Somebody answers for a review of access.
fn attested() -> impl Strategy<Value = Event> {
    let row = (text(), text(), text(), text(), text(), text()).prop_map(
        |(repository, r#ref, who, is, may, through)| ReviewedRow { repository, r#ref, who, is, may, through },
    );
    let verdict = select(vec![AccessVerdict::Accepted, AccessVerdict::Revoked]);
    let texts = (text(), text(), text(), text(), text(), text());
    (texts, verdict, time(), vec(row, 1..3)).prop_map(
        |((by, actor, reason, review, policy, directory), verdict, at, rows)| {
            Event::AccessAttested(AccessAttested {
                by,
                actor,
                verdict,
                reason,
                review,
                at,
                policy,
                directory,
                rows,
            })
        },
    )
}

pub(crate) fn update() -> impl Strategy<Value = Update> {
    (
        ref_bytes(),
        change(),
        option::of(select(vec![Verb::Create, Verb::Update, Verb::Force, Verb::Delete])),
        (any::<Option<bool>>(), any::<bool>(), vec(history(), 0..2), 0_u64..2),
        outcome(),
        (option::of(text()), vec(text(), 0..3), option::of(text()), vec(text(), 0..2)),
        (option::of(text()), vec(lifted(), 0..3)),
        vec(reason(), 0..3),
        vec((text(), outcome()).prop_map(|(rule, would)| Shadow { rule, would }), 0..3),
    )
        .prop_map(
            |(
                name,
                change,
                verb,
                (fast_forward, ancestry_unreadable, histories, histories_left_out),
                outcome,
                (grant, other_grants, privilege, privileges_beside),
                (waiver, lifted),
                reasons,
                shadow,
            )| Update {
                name,
                change,
                verb,
                fast_forward,
                ancestry_unreadable,
                histories,
                histories_left_out,
                outcome,
                grant,
                other_grants,
                privilege,
                privileges_beside,
                waiver,
                lifted,
                reasons,
                shadow,
            },
        )
}

fn asked_by() -> impl Strategy<Value = AskedBy> {
    prop_oneof![
        any::<(u32, u32)>().prop_map(|(uid, pid)| AskedBy::Unix { uid, pid }),
        text().prop_map(|subject| AskedBy::Tls { subject }),
    ]
}

fn snapshot_used() -> impl Strategy<Value = SnapshotUsed> {
    (any::<u64>(), text(), any::<u64>()).prop_map(|(generation, digest, age_ms)| SnapshotUsed {
        generation,
        digest,
        age_ms,
    })
}

fn pull_request() -> impl Strategy<Value = PullRequest> {
    let approval = (text(), option::of(hex_id())).prop_map(|(by, commit)| Approval { by, commit });
    let said = prop_oneof![
        (text(), listed(approval), listed(text()))
            .prop_map(|(author, approvals, committers)| { Said::Known { author, approvals, committers } }),
        text().prop_map(|why| Said::Unknown { why }),
    ];
    let weighed = (text(), text()).prop_map(|(by, worth)| WeighedApproval { by, worth });
    let count = (text(), text(), any::<(u32, u32)>(), any::<bool>(), listed(weighed)).prop_map(
        |(rule, role, (needed, given), of_paths, approvals)| ApprovalCount {
            rule,
            role,
            needed,
            given,
            of_paths,
            approvals,
        },
    );
    (option::of(any::<u64>()), option::of(hex_id()), said, vec(count, 0..3))
        .prop_map(|(number, head, said, counts)| PullRequest { number, head, said, counts })
}

/// A decision that holds all its updates itself.
pub(crate) fn decision() -> impl Strategy<Value = Decision> {
    let asked = (text(), asked_by(), text(), any::<bool>(), text(), text());
    let kind = select(vec![PrincipalKind::User, PrincipalKind::Service, PrincipalKind::Unknown]);
    let grounds = (
        kind,
        vec(text(), 0..4),
        option::of(text()),
        option::of(snapshot_used()),
        vec(privilege_held(), 0..2),
        option::of(pull_request().prop_map(Box::new)),
    );
    let verdict = (outcome(), vec(reason(), 0..3), vec(update(), 0..6), any::<u64>());
    (asked, grounds, verdict).prop_map(|(asked, grounds, verdict)| {
        let (decision, asked_by, channel, dry_run, repository, principal) = asked;
        let (principal_kind, roles, policy, snapshot, privileges, pull_request) = grounds;
        let (outcome, reasons, updates, elapsed_us) = verdict;
        Decision {
            decision,
            asked_by,
            channel,
            dry_run,
            repository,
            principal,
            principal_kind,
            roles: roles.into_iter().collect(),
            policy,
            snapshot,
            privileges,
            pull_request,
            outcome,
            reasons,
            update_count: updates.len() as u64,
            updates,
            parts: 0,
            elapsed_us,
        }
    })
}

fn snapshot_changed() -> impl Strategy<Value = SnapshotChanged> {
    let cause = select(vec![
        SnapshotCause::Import,
        SnapshotCause::Source,
        SnapshotCause::Rollback,
        SnapshotCause::UserDeactivated,
        SnapshotCause::UserReactivated,
        SnapshotCause::Rebuilt,
        SnapshotCause::Loaded,
    ]);
    let counts = any::<(u64, u64, u64)>();
    (counts, text(), option::of(text()), cause, text(), option::of(text()), option::of(text())).prop_map(
        |((generation, users, groups), digest, previous, cause, actor, reason, subject)| SnapshotChanged {
            generation,
            digest,
            previous,
            cause,
            actor,
            reason,
            users,
            groups,
            subject,
        },
    )
}

fn source_token() -> impl Strategy<Value = Event> {
    let change = select(vec![TokenChange::Created, TokenChange::Revoked]);
    (text(), text(), change, text()).prop_map(|(source, token, change, actor)| {
        Event::SourceToken(SourceToken { source, token, change, actor })
    })
}

fn policy_origin() -> impl Strategy<Value = PolicyOrigin> {
    use PolicyOrigin::{Apply, File, Rollback, Start, Starter};
    select(vec![Starter, File, Apply, Rollback, Start])
}

fn policy_diff() -> impl Strategy<Value = PolicyDiff> {
    (any::<u64>(), any::<bool>(), vec(text(), 0..3)).prop_map(|(changes, exact, first)| PolicyDiff {
        changes,
        exact,
        first,
    })
}

fn policy_changed() -> impl Strategy<Value = PolicyChanged> {
    let who = (policy_origin(), text(), option::of(text()), vec(text(), 0..3), any::<bool>());
    (text(), option::of(text()), who, option::of(policy_diff())).prop_map(|(digest, previous, who, diff)| {
        let (origin, author, reason, approved_by, unapproved) = who;
        PolicyChanged { digest, previous, origin, author, reason, approved_by, unapproved, diff }
    })
}

/// What happens to a proposed policy before it is in force.
fn policy_proposal() -> impl Strategy<Value = Event> {
    let cause =
        select(vec![WithdrawnCause::Withdrawn, WithdrawnCause::FilesChanged, WithdrawnCause::Outdated]);
    let counts = any::<(u32, u32)>();
    prop_oneof![
        (
            text(),
            option::of(text()),
            policy_origin(),
            text(),
            option::of(text()),
            counts,
            option::of(policy_diff())
        )
            .prop_map(|(digest, previous, origin, author, reason, (needed, _), diff)| {
                Event::PolicyProposed(PolicyProposed {
                    digest,
                    previous,
                    origin,
                    author,
                    reason,
                    needed,
                    diff,
                })
            }),
        (text(), text(), text(), option::of(text()), counts).prop_map(
            |(digest, author, by, reason, (approvals, needed))| {
                Event::PolicyApproved(PolicyApproved { digest, author, by, reason, approvals, needed })
            }
        ),
        (text(), text(), cause, text(), option::of(text())).prop_map(
            |(digest, author, cause, by, reason)| {
                Event::PolicyWithdrawn(PolicyWithdrawn { digest, author, cause, by, reason })
            }
        ),
    ]
}

fn permitted_while_unavailable() -> impl Strategy<Value = PermittedWhileUnavailable> {
    let updates =
        vec((ref_bytes(), change()).prop_map(|(name, change)| SpooledUpdate { name, change }), 0..4);
    (text(), text(), time(), text(), text(), updates, text()).prop_map(
        |(spool, host, at, repository, principal, updates, why)| PermittedWhileUnavailable {
            spool,
            host,
            at,
            repository,
            principal,
            updates,
            why,
        },
    )
}

fn refs_applied() -> impl Strategy<Value = RefsApplied> {
    let update = (ref_bytes(), change(), option::of(text()))
        .prop_map(|(name, change, decision)| AppliedUpdate { name, change, decision });
    (text(), text(), time(), text(), text(), text(), vec(update, 0..4)).prop_map(
        |(report, host, at, repository, principal, channel, updates)| RefsApplied {
            report,
            host,
            at,
            repository,
            principal,
            channel,
            updates,
        },
    )
}

fn canary_tried() -> impl Strategy<Value = Event> {
    let outcome = select(vec![CanaryOutcome::Refused, CanaryOutcome::Accepted, CanaryOutcome::Unknown]);
    (text(), text(), outcome, option::of(text()), option::of(text())).prop_map(
        |(repository, branch, outcome, decision, detail)| {
            Event::CanaryTried(CanaryTried { repository, branch, outcome, decision, detail })
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        decision().prop_map(|d| Event::Decision(Box::new(d))),
        (text(), any::<u32>(), vec(update(), 0..6)).prop_map(
            |(decision, part, updates)| Event::DecisionPart(DecisionPart { decision, part, updates })
        ),
        snapshot_changed().prop_map(Event::SnapshotChanged),
        policy_changed().prop_map(Event::PolicyChanged),
        policy_proposal(),
        (policy_origin(), text(), any::<u32>(), text()).prop_map(|(origin, author, faults, first_fault)| {
            Event::PolicyRejected(PolicyRejected { origin, author, faults, first_fault })
        }),
        (text(), any::<u64>())
            .prop_map(|(version, log_size)| Event::DaemonStarted(DaemonStarted { version, log_size })),
        Just(Event::DaemonStopped),
        (text(), text(), text(), any::<Option<u64>>()).prop_map(
            |(what, set_aside, found, rebuilt_generation)| {
                Event::StoreHealed(StoreHealed { what, set_aside, found, rebuilt_generation })
            }
        ),
        (any::<u64>(), text())
            .prop_map(|(torn_bytes, set_aside)| Event::LogRepaired(LogRepaired { torn_bytes, set_aside })),
        permitted_while_unavailable().prop_map(Event::PermittedWhileUnavailable),
        refs_applied().prop_map(Event::RefsApplied),
        key_rotated().prop_map(Event::KeyRotated),
        (any::<u64>(), text(), time(), vec((any::<u64>(), key_rotated()), 0..3)).prop_map(
            |(before, keep, older_than, rotations)| {
                let rotations = rotations.into_iter().map(|(seq, rotation)| PrunedRotation { seq, rotation });
                let rotations = rotations.collect();
                Event::EntriesPruned(EntriesPruned { before, keep, older_than, rotations })
            }
        ),
        (text(), text(), any::<u64>()).prop_map(|(actor, call, times)| Event::AdminDenied(AdminDenied {
            actor,
            call,
            times
        })),
        source_token(),
        canary_tried(),
        privilege(),
        select(vec![PeopleForm::Names, PeopleForm::Aliases])
            .prop_map(|form| Event::PeopleKept(PeopleKept { form })),
        (vec(text(), 0..3), text(), any::<bool>()).prop_map(|(aliases, actor, forced)| {
            Event::PersonErased(PersonErased { aliases, actor, forced })
        }),
        attested(),
        signal_received(),
        signal_stream(),
        bitbucket_changed(),
        bitbucket_drift(),
    ]
}

fn signal_received() -> impl Strategy<Value = Event> {
    let parts = (text(), text(), text(), option::of(text()), option::of(text()));
    (parts, select(SignalEffect::ALL.to_vec()), option::of(text())).prop_map(
        |((transmitter, id, event, subject, person), effect, reason)| {
            let received = SignalReceived { transmitter, id, event, subject, person, effect, reason };
            Event::SignalReceived(received)
        },
    )
}

fn signal_stream() -> impl Strategy<Value = Event> {
    use StreamChange::{Created, Removed, Token, Updated};
    (text(), select(vec![Created, Updated, Removed, Token]), option::of(text()), text()).prop_map(
        |(transmitter, change, stream, actor)| {
            Event::SignalStream(SignalStream { transmitter, change, stream, actor })
        },
    )
}

fn key_rotated() -> impl Strategy<Value = KeyRotated> {
    (text(), text(), text(), text(), text()).prop_map(|(previous, next, actor, reason, note)| KeyRotated {
        previous,
        next,
        actor,
        reason,
        note,
    })
}

pub(crate) fn time() -> impl Strategy<Value = Time> {
    (Timestamp::MIN.as_microsecond()..=Timestamp::MAX.as_microsecond())
        .prop_map(|us| Time::from(Timestamp::from_microsecond(us).unwrap()))
}

pub(crate) fn name() -> impl Strategy<Value = Name> {
    "[!-~&&[^+\"\\\\]]{1,255}".prop_map(|text| text.parse().unwrap())
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    (any::<u64>(), time(), name(), event())
        .prop_map(|(seq, time, node, event)| Entry::new(seq, time, node, event))
}
