//! Permissions in Bitbucket: what is to be changed, and what was.

use oam_bitbucket::{
    CredentialKind,
    permission::{Holder, Level, Place},
    provision::{Change, HeldBack, Plan, Step, Surplus, Told, TooMuch},
};
use serde::Serialize;

use super::{Page, page::counted, shown};

/// How many of a long list are named.
const MOST_NAMED: usize = 20;

/// What is to be changed.
#[derive(Debug, Serialize)]
pub struct PlanJson {
    policy: String,
    directory: String,
    changes: Vec<ChangeJson>,
    held_back: Vec<HeldBackJson>,
    surplus: Vec<SurplusJson>,
    absent: Vec<String>,
    left_in_groups: Vec<String>,
    unread: Vec<UnreadJson>,
    unread_places: Vec<UnreadPlaceJson>,
    unsaid: Vec<UnsaidJson>,
    unchanged: usize,
    too_much: Option<String>,
    interrupted: usize,
}

/// One change.
#[derive(Debug, Serialize)]
pub struct ChangeJson {
    step: String,
    place: Option<String>,
    user: Option<String>,
    group: Option<String>,
    thing: Option<String>,
    before: Option<String>,
    after: Option<String>,
    because: String,
}

#[derive(Debug, Serialize)]
struct HeldBackJson {
    change: ChangeJson,
    why: String,
}

#[derive(Debug, Serialize)]
struct SurplusJson {
    place: String,
    holder: String,
    has: &'static str,
    granted: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct UnreadJson {
    user: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct UnreadPlaceJson {
    place: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct UnsaidJson {
    rule: String,
    what: String,
}

/// What was changed.
#[derive(Debug, Serialize)]
pub struct AppliedJson {
    done: usize,
    failed: Vec<HeldBackJson>,
    held_back: Vec<HeldBackJson>,
    unread: Vec<UnreadJson>,
    unread_places: Vec<UnreadPlaceJson>,
    too_much: Vec<TooMuchJson>,
}

#[derive(Debug, Serialize)]
struct TooMuchJson {
    why: String,
    changes: usize,
}

impl ChangeJson {
    fn of(change: &Change) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let Told { step, place, user, group, thing, before, after, because } = change.told();
        Self {
            step,
            place: some(place),
            user: some(user),
            group: some(group),
            thing: some(thing),
            before: some(before),
            after: some(after),
            because,
        }
    }
}

impl HeldBackJson {
    fn of(one: &HeldBack) -> Self {
        Self { change: ChangeJson::of(&one.change), why: one.why.clone() }
    }
}

impl UnreadJson {
    fn all(plan: &Plan) -> Vec<Self> {
        let one = |(user, why): &(Holder, String)| Self { user: user.to_string(), why: why.clone() };
        plan.unread.iter().map(one).collect()
    }
}

impl UnreadPlaceJson {
    fn all(plan: &Plan) -> Vec<Self> {
        let one = |(place, why): &(Place, String)| Self { place: place.to_string(), why: why.clone() };
        plan.unread_places.iter().map(one).collect()
    }
}

impl PlanJson {
    /// Of a plan; so many changes were begun and interrupted before.
    pub fn of(plan: &Plan, interrupted: usize) -> Self {
        let surplus = |one: &Surplus| SurplusJson {
            place: one.place.to_string(),
            holder: one.holder.to_string(),
            has: one.has.as_str(),
            granted: one.granted.map(Level::as_str),
        };
        let unsaid = |(rule, what): &(String, String)| UnsaidJson { rule: rule.clone(), what: what.clone() };
        Self {
            policy: plan.policy.clone(),
            directory: plan.directory.clone(),
            changes: plan.changes.iter().map(ChangeJson::of).collect(),
            held_back: plan.held_back.iter().map(HeldBackJson::of).collect(),
            surplus: plan.surplus.iter().map(surplus).collect(),
            absent: plan.absent.iter().map(ToString::to_string).collect(),
            left_in_groups: plan.left_in_groups.iter().map(ToString::to_string).collect(),
            unread: UnreadJson::all(plan),
            unread_places: UnreadPlaceJson::all(plan),
            unsaid: plan.unsaid.iter().map(unsaid).collect(),
            unchanged: plan.unchanged,
            too_much: Some(plan.too_much().collect::<Vec<_>>().join("; ")).filter(|why| !why.is_empty()),
            interrupted,
        }
    }
}

impl AppliedJson {
    /// How many were made, what Bitbucket did not do and what it said, what was held back, and what was too much at once.
    pub fn of(done: usize, failed: &[(Change, String)], plan: &Plan, too_much: &[TooMuch]) -> Self {
        let too_much = too_much.iter().map(|one| TooMuchJson { why: one.why.clone(), changes: one.changes });
        let failed = failed
            .iter()
            .map(|(change, why)| HeldBackJson { change: ChangeJson::of(change), why: why.clone() });
        Self {
            done,
            failed: failed.collect(),
            held_back: plan.held_back.iter().map(HeldBackJson::of).collect(),
            unread: UnreadJson::all(plan),
            unread_places: UnreadPlaceJson::all(plan),
            too_much: too_much.collect(),
        }
    }
}

/// A change in a few words.
pub fn change_text(change: &Change) -> String {
    match &change.step {
        Step::Permit { place, holder, before: None, after } => {
            format!("{place}: {} gets {after}", shown(&holder.to_string()))
        }
        Step::Permit { place, holder, before: Some(before), after } => {
            format!("{place}: {} gets {after} in place of {before}", shown(&holder.to_string()))
        }
        Step::Revoke { place, holder, before } => {
            format!("{place}: {} loses {before}", shown(&holder.to_string()))
        }
        Step::Forget { place, holder } => {
            format!("{place}: {} has no longer what we gave: forget that", shown(&holder.to_string()))
        }
        Step::RevokeGlobal { holder, before, after } => {
            let left = after.map(|after| format!(", and keeps {}", after.as_str())).unwrap_or_default();
            format!("everywhere: {} loses {}{left}", shown(&holder.to_string()), before.as_str())
        }
        Step::Delete { account, credential } => {
            format!("user:{} loses the {}", shown(&account.name), shown(&credential.named()))
        }
        Step::LeaveGroup { holder, group } => {
            format!("{} leaves {}", shown(&holder.to_string()), shown(&group.to_string()))
        }
        Step::RevokeDefault { place, before } => {
            format!("{place}: everybody who is signed in loses {before}")
        }
        Step::DeleteAccessKey { place, key } => {
            let label = if key.label.is_empty() { String::new() } else { format!(" `{}`", key.label) };
            let what = match key.kind {
                CredentialKind::Token => "HTTP token",
                CredentialKind::SshKey | CredentialKind::GpgKey => "access key",
            };
            format!("{place}: the {what} {} is deleted", shown(&format!("{}{label}", key.id)))
        }
        Step::Restrict { place, restriction, is_ours } => {
            let (thing, exempt) = (shown(&restriction.thing()), shown(&restriction.exempt()));
            let again = if *is_ours { "is made again" } else { "is made" };
            format!("{place}: the restriction {thing} {again}, {exempt}")
        }
        Step::Lift { place, thing, id: Some(_), .. } => {
            format!("{place}: the restriction {} is taken away", shown(thing))
        }
        Step::Lift { place, thing, id: None, .. } => {
            format!("{place}: the restriction {} is there no more: forget that we made it", shown(thing))
        }
    }
}

/// A plan for people; so many changes were begun and interrupted before.
pub fn plan_text(plan: &Plan, interrupted: usize, page: &Page) -> String {
    let policy: String = plan.policy.chars().take(12).collect();
    let generation = plan.directory.split(' ').next().unwrap_or_default();
    let mut text =
        page.dim(&format!("By the policy {policy} and generation {generation} of the directory:\n"));
    for change in &plan.changes {
        let because = page.dim(&format!("({})", shown(&change.because)));
        text.push_str(&format!("  {} {} {because}\n", sign(&change.step, page), change_text(change)));
    }
    text.push_str(&sum(plan, page));
    if interrupted > 0 {
        let changes = counted(interrupted as u64, "change was", "changes were");
        text.push_str(&page.warn(&format!(
            "{changes} begun and interrupted: `oam bitbucket apply` finds out what became of that.\n"
        )));
    }
    for why in plan.too_much() {
        text.push_str(&page.bad(&format!("Too much at once: {why}. It takes `--yes-really`.\n")));
    }
    text.push_str(&held_back(plan, page));
    text.push_str(&surplus(plan));
    let absent = plan.absent.iter().map(|holder| shown(holder.name()));
    text.push_str(&named("No account that Bitbucket lets in, so nothing is given", absent));
    let left = plan.left_in_groups.iter().map(|holder| shown(holder.name()));
    text.push_str(&named("Left in their groups, which Bitbucket writes at each sign-in", left));
    text.push_str(&unread(plan, page));
    if !plan.unsaid.is_empty() {
        text.push_str("What permissions cannot say, and the hook sees to:\n");
        for (rule, what) in &plan.unsaid {
            text.push_str(&format!("  `{}` {}\n", shown(rule), shown(what)));
        }
    }
    text
}

/// What was done of a plan.
pub fn applied_text(
    done: usize,
    failed: &[(Change, String)],
    plan: &Plan,
    too_much: &[TooMuch],
    page: &Page,
) -> String {
    let changes = |many: usize| counted(many as u64, "change", "changes");
    let mut text = match (done, failed.is_empty()) {
        (0, true) if !too_much.is_empty() => page.warn("Nothing was done.") + "\n",
        (0, true) => page.good("Nothing was to be done.") + "\n",
        (done, true) => page.good(&format!("{} made.", changes(done))) + "\n",
        (done, false) => {
            let failed = page.bad(&format!("{} NOT made", changes(failed.len())));
            format!("{} made, {failed}:\n", changes(done))
        }
    };
    for (change, said) in failed {
        text.push_str(&format!("  {}: {}\n", change_text(change), shown(said)));
    }
    for TooMuch { why, changes: many } in too_much {
        let why = format!("Too much at once, so {} not made: {why}. It takes", changes(*many));
        text.push_str(&page.bad(&format!("{why} `oam bitbucket apply --yes-really`.\n")));
    }
    text + &held_back(plan, page) + &unread(plan, page)
}

fn sign(step: &Step, page: &Page) -> String {
    match step {
        Step::Permit { before: None, .. } | Step::Restrict { is_ours: false, .. } => page.good("+"),
        Step::Permit { .. } | Step::Forget { .. } | Step::Restrict { .. } | Step::Lift { id: None, .. } => {
            page.warn("~")
        }
        Step::Revoke { .. }
        | Step::RevokeGlobal { .. }
        | Step::Delete { .. }
        | Step::LeaveGroup { .. }
        | Step::RevokeDefault { .. }
        | Step::DeleteAccessKey { .. }
        | Step::Lift { .. } => page.bad("-"),
    }
}

fn sum(plan: &Plan, page: &Page) -> String {
    let unchanged = match plan.unchanged {
        0 => String::new(),
        many => {
            let is = ("permission is as it", "permissions are as they");
            format!(" {} should be already.", counted(many as u64, is.0, is.1))
        }
    };
    if plan.changes.is_empty() {
        return format!("{}{unchanged}\n", page.good("Nothing is to be done."));
    }
    let of = |test: fn(&Step) -> bool| plan.changes.iter().filter(|change| test(&change.step)).count();
    let given = of(|step| matches!(step, Step::Permit { .. }) && !step.takes());
    let lowered = of(|step| matches!(step, Step::Permit { .. }) && step.takes());
    let doors = of(|step| matches!(step, Step::Delete { .. } | Step::DeleteAccessKey { .. }));
    let taken = of(|step| {
        matches!(
            step,
            Step::Revoke { .. }
                | Step::RevokeGlobal { .. }
                | Step::LeaveGroup { .. }
                | Step::RevokeDefault { .. }
        )
    });
    let forgotten = of(|step| matches!(step, Step::Forget { .. } | Step::Lift { id: None, .. }));
    let restricted = of(|step| matches!(step, Step::Restrict { .. }));
    let lifted = of(|step| matches!(step, Step::Lift { id: Some(_), .. }));
    let parts = [
        (given, "given"),
        (lowered, "lowered"),
        (taken, "taken"),
        (doors, "tokens or keys deleted"),
        (restricted, "restrictions made"),
        (lifted, "restrictions taken away"),
        (forgotten, "forgotten"),
    ];
    let parts: Vec<_> =
        parts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}")).collect();
    let changes = counted(plan.changes.len() as u64, "change", "changes");
    format!("{changes}: {}.{unchanged}\n", parts.join(", "))
}

fn held_back(plan: &Plan, page: &Page) -> String {
    let line =
        |one: &HeldBack| format!("  {} {}: {}\n", page.warn("!"), change_text(&one.change), shown(&one.why));
    let lines: String = plan.held_back.iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("Held back, although it should be:\n{lines}") }
}

fn unread(plan: &Plan, page: &Page) -> String {
    let line = |(user, why): &(Holder, String)| {
        format!("  {} {}: {}\n", page.warn("!"), shown(user.name()), shown(why))
    };
    let lines: String = plan.unread.iter().map(line).collect();
    let gone = match lines.is_empty() {
        true => lines,
        false => format!("Gone, and what of theirs could not be read stays:\n{lines}"),
    };
    let line = |(place, why): &(Place, String)| format!("  {} {place}: {}\n", page.warn("!"), shown(why));
    let lines: String = plan.unread_places.iter().take(MOST_NAMED).map(line).collect();
    let more = match plan.unread_places.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        many => format!("  and {many} more: `--json` has all\n"),
    };
    match lines.is_empty() {
        true => gone,
        false => format!("{gone}Could not be read, so nothing is given or taken there:\n{lines}{more}"),
    }
}

fn surplus(plan: &Plan) -> String {
    let line = |one: &Surplus| {
        let granted = one.granted.map_or_else(|| "nothing".to_owned(), |level| format!("{level} only"));
        let (holder, place, has) = (shown(&one.holder.to_string()), &one.place, one.has);
        format!("  {place}: {holder} has {has}, and is granted {granted}\n")
    };
    let lines: String = plan.surplus.iter().take(MOST_NAMED).map(line).collect();
    let more = match plan.surplus.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        many => format!("  and {many} more: `--json` has all\n"),
    };
    match lines.is_empty() {
        true => lines,
        false => {
            format!("Given by others, and left alone (see `bitbucket.provisioning.adopt`):\n{lines}{more}")
        }
    }
}

fn named(what: &str, names: impl ExactSizeIterator<Item = String>) -> String {
    let all = names.len();
    if all == 0 {
        return String::new();
    }
    let first: Vec<_> = names.take(MOST_NAMED).collect();
    let more = if all > MOST_NAMED { format!(", and {} more", all - MOST_NAMED) } else { String::new() };
    format!("{what}: {}{more}.\n", first.join(", "))
}

#[cfg(test)]
mod tests {
    use oam_bitbucket::{
        Account, Credential, CredentialKind,
        permission::Level,
        provision::{Change, HeldBack, Plan, Step, Surplus, TooMuch},
    };

    use super::{applied_text, plan_text};
    use crate::output::samples::page;

    fn plan() -> Plan {
        let change = |step, because: &str| Change { step, because: because.into() };
        let account = Account { id: None, name: "carl".into(), slug: "carl".into(), active: true };
        let credential = Credential {
            kind: CredentialKind::Token,
            id: "12".into(),
            label: "ci".into(),
            ends: false,
            used: None,
            made: None,
        };
        let (pay, ada) = ("PAY".parse().unwrap(), "user:ada".parse().unwrap());
        let revoke = Step::Revoke {
            place: "PAY".parse().unwrap(),
            holder: "user:boss".parse().unwrap(),
            before: Level::Admin,
        };
        Plan {
            policy: "0123456789abcdef".into(),
            directory: "7 beef".into(),
            changes: vec![
                change(Step::Delete { account, credential }, "`carl` is deactivated in the directory"),
                change(
                    Step::Permit { place: pay, holder: ada, before: None, after: Level::Write },
                    "rule `main`, role `developer`",
                ),
                change(
                    Step::Permit {
                        place: "PAY/api".parse().unwrap(),
                        holder: "group:eng".parse().unwrap(),
                        before: Some(Level::Admin),
                        after: Level::Read,
                    },
                    "rule `see`, role `reader`",
                ),
            ],
            held_back: vec![HeldBack {
                change: change(revoke, "no rule gives it any more"),
                why: "nobody else would administer PAY: give that to somebody first".into(),
            }],
            surplus: vec![Surplus {
                place: "OPS".parse().unwrap(),
                holder: "user:cleo".parse().unwrap(),
                has: Level::Admin,
                granted: Some(Level::Read),
            }],
            absent: vec!["user:newcomer".parse().unwrap()],
            left_in_groups: vec!["user:carl".parse().unwrap()],
            unread: vec![("user:dora".parse().unwrap(), "reading each SSH key: no".to_owned())],
            unread_places: vec![("WEB".parse().unwrap(), "reading the permissions: no".to_owned())],
            unsaid: vec![("hours".into(), "is for some hours of the week".into())],
            unchanged: 3,
            too_many_people: Some("4 of 6 people would lose all that they have".into()),
            too_many_members: None,
            too_many_permissions: None,
            too_many_given: None,
            fixes: Default::default(),
        }
    }

    #[test]
    fn a_plan_reads_well() {
        insta::assert_snapshot!(plan_text(&plan(), 2, &page()), @"
        By the policy 0123456789ab and generation 7 of the directory:
          - user:carl loses the HTTP token 12 `ci` (`carl` is deactivated in the directory)
          + PAY: user:ada gets write (rule `main`, role `developer`)
          ~ PAY/api: group:eng gets read in place of admin (rule `see`, role `reader`)
        3 changes: 1 given, 1 lowered, 1 tokens or keys deleted. 3 permissions are as they should be already.
        2 changes were begun and interrupted: `oam bitbucket apply` finds out what became of that.
        Too much at once: 4 of 6 people would lose all that they have. It takes `--yes-really`.
        Held back, although it should be:
          ! PAY: user:boss loses admin: nobody else would administer PAY: give that to somebody first
        Given by others, and left alone (see `bitbucket.provisioning.adopt`):
          OPS: user:cleo has admin, and is granted read only
        No account that Bitbucket lets in, so nothing is given: newcomer.
        Left in their groups, which Bitbucket writes at each sign-in: carl.
        Gone, and what of theirs could not be read stays:
          ! dora: reading each SSH key: no
        Could not be read, so nothing is given or taken there:
          ! WEB: reading the permissions: no
        What permissions cannot say, and the hook sees to:
          `hours` is for some hours of the week
        ");
        let nothing = Plan { policy: "0".into(), directory: "1 b".into(), ..Plan::default() };
        insta::assert_snapshot!(plan_text(&nothing, 0, &page()), @"
        By the policy 0 and generation 1 of the directory:
        Nothing is to be done.
        ");
    }

    #[test]
    fn what_was_done_reads_well() {
        let failed = vec![(plan().changes[1].clone(), "Bitbucket answers 409".to_owned())];
        let too_much = [TooMuch { why: "4 of 6 people would lose all that they have".into(), changes: 7 }];
        insta::assert_snapshot!(applied_text(2, &failed, &plan(), &too_much, &page()), @"
        2 changes made, 1 change NOT made:
          PAY: user:ada gets write: Bitbucket answers 409
        Too much at once, so 7 changes not made: 4 of 6 people would lose all that they have. It takes `oam bitbucket apply --yes-really`.
        Held back, although it should be:
          ! PAY: user:boss loses admin: nobody else would administer PAY: give that to somebody first
        Gone, and what of theirs could not be read stays:
          ! dora: reading each SSH key: no
        Could not be read, so nothing is given or taken there:
          ! WEB: reading the permissions: no
        ");
        assert_eq!(applied_text(0, &[], &Plan::default(), &[], &page()), "Nothing was to be done.\n");
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let mut plan = plan();
        plan.changes[0].because = "\u{202e}".into();
        plan.surplus[0].holder = "user:\u{202e}".parse().unwrap();
        assert!(!plan_text(&plan, 0, &page()).contains('\u{202e}'));
    }
}
