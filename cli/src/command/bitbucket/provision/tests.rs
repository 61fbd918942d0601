use std::mem;

use clap::Parser as _;
use oam_bitbucket::{
    Account, AccountId,
    permission::{Holder, Level, Place},
    provision::{Around, Basis, Dated, FindingKind, Managed, Plan, Seen, Standing, Strangers, strange},
};
use oam_proto::v1::ProvisioningOpening;

use super::{Accepted, Apply, Look, Wish, accounts, basis};

#[derive(Debug, clap::Parser)]
struct Typed {
    #[command(flatten)]
    apply: Apply,
}

/// What `oam bitbucket apply` takes these words for.
fn typed(words: &[String]) -> Vec<Accepted> {
    let base = ["apply", "--url", "https://bitbucket.example.com", "--token-file", "token"];
    let all = base.into_iter().map(str::to_owned).chain(words.iter().cloned());
    Typed::try_parse_from(all).unwrap().apply.accept_accounts
}

/// The words of a command as a shell has them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = command.chars();
    while let Some(one) = rest.next() {
        match one {
            '\'' => quoted = !quoted,
            '\\' if !quoted => word.extend(rest.next()),
            ' ' if !quoted => words.push(mem::take(&mut word)),
            one => word.push(one),
        }
    }
    words.push(word);
    words
}

/// The command that is printed where somebody has the name of another one.
fn printed(name: &str, id: u64) -> String {
    let opening = ProvisioningOpening { account: "svc-oam".into(), ..ProvisioningOpening::default() };
    let mut basis = basis::opened(opening).unwrap();
    let mut seen = Seen::default();
    let id = AccountId::of_wire(id);
    seen.accounts.is.push(Account { id, name: name.into(), slug: "x".into(), active: true });
    basis.renamed.another.insert(Holder::user(name).unwrap(), "another account was known so".into());
    let found = strange(&seen, &basis, &Strangers::default(), &Around::default());
    let told = found.into_iter().find(|one| one.kind == FindingKind::AnotherAccount).unwrap().what;
    let (_, command) = told.split_once("run `").unwrap();
    command.strip_suffix('`').unwrap().to_owned()
}

fn one(name: &str, id: u64) -> Accepted {
    Accepted::One(Holder::user(name).unwrap(), AccountId::of_wire(id).unwrap())
}

#[test]
fn whose_an_account_is_is_understood_as_it_is_printed() {
    for name in ["ada", "b,ada", "b=1,ada", "ada=b", "ada b", "o'neil", "all", "o', b=1 x", "-x", "--json"] {
        let command = words(&printed(name, 7));
        assert_eq!(command[..3], ["oam", "bitbucket", "apply"], "{name}");
        assert_eq!(typed(&command[3..]), [one(name, 7)], "{name}");
    }
    let both = [words(&printed("b,ada", 7)), words(&printed("bob", 8))].map(|all| all[3..].to_vec()).concat();
    assert_eq!(typed(&both), [one("b,ada", 7), one("bob", 8)]);
}

#[test]
fn all_is_said_alone() {
    let all = |words: &[&str]| {
        let words: Vec<_> =
            words.iter().flat_map(|one| ["--accept-accounts".to_owned(), (*one).to_owned()]).collect();
        accounts::check_alone(&typed(&words)).is_ok()
    };
    assert!(all(&[]) && all(&["all"]) && all(&["ada=7", "bob=8"]));
    assert!(!all(&["all", "ada=7"]) && !all(&["ada=7", "all"]));
}

/// Of one account, which may write, and what there should be.
fn seen_and_basis(name: &str) -> (Seen, Basis) {
    let (place, user): (Place, _) = ("PAY".parse().unwrap(), Holder::user(name).unwrap());
    let account = Account { id: AccountId::of_wire(7), name: name.into(), slug: name.into(), active: true };
    let seen = Seen {
        places: Dated { at: 1, is: [place.clone()].into() },
        accounts: Dated { at: 1, is: vec![account] },
        permissions: [(place, Dated { at: 1, is: vec![(user, Level::Write)] })].into(),
        ..Seen::default()
    };
    let opening = ProvisioningOpening { account: "svc-oam".into(), ..ProvisioningOpening::default() };
    (seen, basis::opened(opening).unwrap())
}

/// What was ours was given to the account that had the name before.
#[test]
fn what_others_gave_to_an_account_that_is_accepted_is_not_taken() {
    let (seen, mut basis) = seen_and_basis("ada");
    let key = ("PAY".parse().unwrap(), Holder::user("ada").unwrap());
    basis.managed.insert(key, Managed { level: Level::Write, below: None });
    let plan = Plan::of(&seen, &basis);
    assert_eq!(plan.changes.len(), 1, "{plan:?}");
    let mut look = Look { seen, basis: basis.clone(), plan, wish: Wish::default() };
    look.leave_to_others(basis.clone());
    assert_eq!(look.plan.changes.len(), 1);
    basis.managed.clear();
    look.leave_to_others(basis);
    assert!(look.plan.changes.is_empty(), "{:?}", look.plan);
}

/// In another Bitbucket they are nobody whom a source knows.
#[test]
fn from_who_had_the_number_of_a_leaver_nothing_is_taken_once_they_are_known() {
    let (seen, mut basis) = seen_and_basis("svc-build");
    let [build, lena] = ["svc-build", "lena"].map(|name| Holder::user(name).unwrap());
    let now = |standing| {
        let (_, mut now) = seen_and_basis("svc-build");
        now.standing.insert(build.clone(), standing);
        now
    };
    basis.standing.insert(build.clone(), Standing::Deactivated);
    basis.renamed.was.insert(build.clone(), lena);
    let plan = Plan::of(&seen, &basis);
    assert_eq!(plan.changes.len(), 1, "{plan:?}");
    let mut look = Look { seen: seen.clone(), basis, plan, wish: Wish::default() };
    look.leave_to_others(now(Standing::Unknown));
    assert!(look.plan.changes.is_empty() && look.basis.renamed.was.is_empty(), "{:?}", look.plan);
    // Whom no source knows is given up still, where that was named, and nobody whom one knows by now.
    for (standing, left) in [(Standing::Unknown, 1), (Standing::CutOff, 0)] {
        let basis = now(Standing::Stranger);
        let plan = Plan::of(&seen, &basis);
        assert_eq!(plan.changes.len(), 1, "{plan:?}");
        let mut look = Look { seen: seen.clone(), basis, plan, wish: Wish::default() };
        look.leave_to_others(now(standing));
        assert_eq!(look.plan.changes.len(), left, "{standing:?}");
    }
}
