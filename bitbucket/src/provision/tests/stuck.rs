//! Those who are gone and stay in something, whatever is tried.

use std::collections::BTreeSet;

use super::{Company, company, shown};
use crate::{
    Account,
    permission::Level,
    provision::{Automatic, Dated, door::Doors},
    samples::{dated, holder},
};

impl Company {
    fn is_in(&mut self, who: &str, group: &str) -> &mut Self {
        let doors = Doors { credentials: Vec::new(), groups: BTreeSet::from([group.to_owned()]) };
        self.seen.doors.insert(holder(who), dated(doors));
        self
    }

    /// It is so late, in seconds, and the first so many were refused an hour ago.
    fn refused(&mut self, many: usize, now: u64) -> &mut Self {
        self.seen.accounts.at = now;
        for number in 0..many {
            let said = Dated { at: now - 3_600, is: "it said no".to_owned() };
            let theirs = self.seen.stuck.entry(holder(&format!("user:old-{number}"))).or_default();
            theirs.insert("ldap".to_owned(), said);
        }
        self
    }
}

/// So many are gone, and have nothing left but a group out of which nobody gets them.
fn with_stuck(many: usize) -> Company {
    let mut company = company();
    company.basis.settings.automatic = [Automatic::Leavers].into();
    for number in 0..many {
        let name = format!("old-{number}");
        let user = format!("user:{name}");
        company.seen.accounts.is.push(Account { id: None, name: name.clone(), slug: name, active: false });
        company.gone(&user).is_in(&user, "ldap");
    }
    company
}

#[test]
fn whom_nobody_gets_out_of_a_group_keeps_in_nobody_who_goes_later() {
    let done = |company: &Company| {
        let automatic = company.plan().automatic(&company.seen, &company.basis);
        let (plan, too_much) = automatic.bounded(&company.seen, &company.basis);
        let done: Vec<_> = plan.changes.iter().map(|change| shown(&change.step)).collect();
        (done, too_much.into_iter().map(|one| (one.why, one.changes)).collect::<Vec<_>>())
    };
    let mut company = with_stuck(4);
    company.gone("user:ada").has("PAY", "user:ada", Level::Write).is_in("user:ada", "eng");
    let why = "4 of 10 people would leave the groups that are all they have left, which is more than 10 %";
    let fresh = ["PAY user:ada write>-", "user:ada out of group:eng"].map(str::to_owned);
    assert_eq!(done(&company), (fresh.to_vec(), vec![(why.to_owned(), 4)]));
    // Whoever says so gets all of it.
    assert_eq!(company.plan().changes.len(), 6);
    // A few are tried again each time, and add nothing to those who go.
    let mut company = with_stuck(3);
    company.gone("user:ada").has("PAY", "user:ada", Level::Write);
    let (some, too_much) = done(&company);
    assert_eq!((some.len(), too_much), (4, Vec::new()));
    // Where too many go at once nobody loses anything, not even a group.
    for name in ["bob", "cleo", "boss"] {
        company.gone(&format!("user:{name}")).has("PAY", &format!("user:{name}"), Level::Write);
    }
    let (some, too_much) = done(&company);
    assert_eq!((some.len(), too_much.len()), (0, 1), "{too_much:?}");
}

#[test]
fn what_bitbucket_refused_is_tried_once_a_day_and_told_meanwhile() {
    let mut company = with_stuck(4);
    company.refused(4, 1_000_000);
    let plan = company.plan();
    assert!(plan.changes.is_empty() && plan.too_much().next().is_none(), "{plan:?}");
    assert_eq!(plan.not_out(&company.basis).len(), 4);
    assert!(plan.held_back.iter().all(|one| one.why == "it said no; it is tried once a day"), "{plan:?}");
    // All of them are due at once, and keep neither one another nor somebody new from being tried.
    company.seen.accounts.at += 24 * 3_600;
    company.gone("user:ada").is_in("user:ada", "eng");
    let automatic = company.plan().automatic(&company.seen, &company.basis);
    let (plan, too_much) = automatic.bounded(&company.seen, &company.basis);
    assert_eq!((plan.changes.len(), too_much), (5, Vec::new()));
}

/// They were counted when they were tried first, and are not of those who are too many now.
#[test]
fn whom_bitbucket_refused_once_does_not_wait_with_those_who_are_new() {
    let mut company = with_stuck(8);
    company.refused(4, 1_000_000).seen.accounts.at += 24 * 3_600;
    let automatic = company.plan().automatic(&company.seen, &company.basis);
    let (plan, too_much) = automatic.bounded(&company.seen, &company.basis);
    let tried: Vec<_> = plan.changes.iter().map(|change| shown(&change.step)).collect();
    assert_eq!(tried, [0, 1, 2, 3].map(|number| format!("user:old-{number} out of group:ldap")));
    assert_eq!(too_much.iter().map(|one| one.changes).collect::<Vec<_>>(), [4], "{too_much:?}");
}

#[test]
fn who_is_gone_and_lends_the_daemon_a_token_keeps_everything_and_is_told() {
    let mut company = company();
    company.gone("user:ada").has("PAY", "user:ada", Level::Write).is_in("user:ada", "eng");
    company.ours("OPS", "user:ada", Level::Read, None);
    company.basis.settings.daemon = [holder("user:Ada")].into();
    let plan = company.plan();
    assert!(plan.changes.is_empty(), "{plan:?}");
    let held: Vec<_> = plan.held_back.iter().map(|one| shown(&one.change.step)).collect();
    assert_eq!(held, ["PAY user:ada write>-", "user:ada out of group:eng"]);
    let why = "it is the account of the daemon's own token: give the daemon another one";
    assert!(plan.held_back.iter().all(|one| one.why == why), "{plan:?}");
    assert!(plan.not_out(&company.basis).contains(&holder("user:ada")));
    // What is configured is left alone, and nothing is told of it.
    for chosen in ["PAY", "user:ada"] {
        company.basis.settings.ignore.insert(chosen.parse().unwrap());
        let held = company.plan().held_back.len();
        assert_eq!(held, usize::from(chosen == "PAY"), "{chosen}");
    }
}
