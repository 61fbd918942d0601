use proptest::prelude::*;

use super::*;

fn dn(name: &str) -> DnKey {
    DnKey::of(&format!("cn={name},dc=x")).unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn user(name: &str) -> User {
    User {
        dn: dn(name),
        username: Some(name.into()),
        display_name: None,
        emails: Vec::new(),
        standing: Standing::Active,
    }
}

fn group(name: &str, members: &[&str]) -> Group {
    Group { dn: dn(name), name: name.into(), members: members.iter().map(|name| dn(name)).collect() }
}

#[test]
fn members_of_members_are_members_and_circles_end() {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    replica.put_user(id(1), user("alice"), &mut touched);
    replica.put_user(id(2), user("bob"), &mut touched);
    replica.put_group(id(11), group("all", &["team", "bob"]), &mut touched);
    replica.put_group(id(12), group("team", &["alice", "all", "nobody"]), &mut touched);
    assert_eq!(replica.members(&id(11)), BTreeSet::from([id(1), id(2)]));
    assert_eq!(replica.members(&id(12)), BTreeSet::from([id(1), id(2)]));
    // Nothing is told of the groups when a user goes.
    let mut touched = Touched::default();
    replica.remove_user(id(1), &mut touched);
    assert_eq!(touched.groups, BTreeSet::from([id(11), id(12)]));
    assert_eq!(replica.members(&id(11)), BTreeSet::from([id(2)]));
}

#[test]
fn two_groups_of_one_name_are_neither() {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    replica.put_group(id(11), group("eng", &["alice"]), &mut touched);
    assert!(replica.group(&id(11)).is_some());
    let mut touched = Touched::default();
    let other = Group { dn: dn("elsewhere"), ..group("ENG", &["mallory"]) };
    replica.put_group(id(12), other, &mut touched);
    assert_eq!(touched.groups, BTreeSet::from([id(11), id(12)]));
    assert!(replica.group(&id(11)).is_none() && replica.group(&id(12)).is_none());
    assert_eq!(replica.shared_names(), ["eng"]);
    replica.remove_group(id(12), &mut touched);
    assert!(replica.group(&id(11)).is_some());
}

#[test]
fn who_may_be_called_otherwise_is_told_where_somebody_is_new_whom_nobody_knows() {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    replica.put_user(id(1), user("alice"), &mut touched);
    replica.put_user(id(2), user("bob"), &mut touched);
    replica.put_group(id(11), group("eng", &["alice", "team"]), &mut touched);
    replica.put_group(id(12), group("team", &[]), &mut touched);
    assert_eq!((replica.dn(&id(1)), replica.dn(&id(12))), (Some(&dn("alice")), Some(&dn("team"))));
    assert_eq!(replica.naming(&dn("team")).collect::<Vec<_>>(), [id(11)]);
    assert_eq!(replica.called(&dn("team")).collect::<Vec<_>>(), [id(12)]);
    let of = |members: &[&str]| replica.renamed_in(&id(11), &group("eng", members));
    assert_eq!(of(&["alicia", "team"]), BTreeSet::from([id(1)]));
    assert_eq!(of(&["alicia", "squad"]), BTreeSet::from([id(1), id(12)]));
    // Who left simply left.
    assert_eq!(of(&["bob"]), BTreeSet::new());
    assert_eq!(of(&["alice", "team", "stranger"]), BTreeSet::new());
    assert_eq!(replica.renamed_in(&id(13), &group("new", &["alicia"])), BTreeSet::new());
}

#[test]
fn names_that_groups_hold_are_told_where_somebody_else_has_them() {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    replica.put_group(id(11), group("eng", &["alice", "team"]), &mut touched);
    replica.put_user(id(1), user("alice"), &mut touched);
    assert_eq!(touched.taken, BTreeSet::from([dn("alice")]));
    // They had it, or nobody names them, or nobody has it now.
    let mut touched = Touched::default();
    replica.put_user(id(1), user("alice"), &mut touched);
    replica.put_user(id(2), user("bob"), &mut touched);
    replica.remove_user(id(1), &mut touched);
    assert_eq!(touched.taken, BTreeSet::new());
    replica.put_group(id(12), group("team", &[]), &mut touched);
    let mut again = Touched::default();
    replica.put_group(id(12), group("team", &["bob"]), &mut again);
    assert_eq!((touched.taken, again.taken), (BTreeSet::from([dn("team")]), BTreeSet::new()));
}

#[derive(Debug, Clone)]
enum Step {
    User(u128, usize),
    Group(u128, usize, Vec<usize>),
    RemoveUser(u128),
    RemoveGroup(u128),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6_u128, 0..8_usize).prop_map(|(id, name)| Step::User(id, name)),
        (6..12_u128, 0..8_usize, prop::collection::vec(0..8_usize, 0..4))
            .prop_map(|(id, name, members)| Step::Group(id, name, members)),
        (0..6_u128).prop_map(Step::RemoveUser),
        (6..12_u128).prop_map(Step::RemoveGroup),
    ];
    prop::collection::vec(step, 0..30)
}

#[test]
fn what_is_kept_is_what_was_known() {
    let (mut replica, mut touched) = (Replica::default(), Touched::default());
    for (number, name) in [(1, "a"), (2, "b")] {
        replica.put_user(id(number), user(name), &mut touched);
    }
    replica.put_group(id(3), group("c", &["a", "d"]), &mut touched);
    replica.put_group(id(4), group("d", &["b", "c"]), &mut touched);
    let kept = Replica::of_image(replica.image());
    assert_eq!(kept.image(), replica.image());
    assert_eq!(kept.members(&id(3)), BTreeSet::from([id(1), id(2)]));
    // And it goes on as the other would.
    let mut again = kept;
    again.remove_group(id(4), &mut touched);
    assert_eq!(again.members(&id(3)), BTreeSet::from([id(1)]));
}

proptest! {
    /// Whoever looks at nothing but what is touched knows as much as whoever looks at all.
    #[test]
    fn what_is_not_touched_is_as_it_was(steps in steps()) {
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let mut replica = Replica::default();
        let mut known: HashMap<Uuid, (Option<Group>, BTreeSet<Uuid>)> = HashMap::new();
        for step in steps {
            let mut touched = Touched::default();
            match step {
                Step::User(number, name) => replica.put_user(id(number), user(NAMES[name]), &mut touched),
                Step::Group(number, name, members) => {
                    let members: Vec<_> = members.into_iter().map(|member| NAMES[member]).collect();
                    replica.put_group(id(number), group(NAMES[name], &members), &mut touched);
                }
                Step::RemoveUser(number) => replica.remove_user(id(number), &mut touched),
                Step::RemoveGroup(number) => replica.remove_group(id(number), &mut touched),
            }
            for group in touched.groups {
                known.insert(group, (replica.group(&group).cloned(), replica.members(&group)));
            }
            for group in replica.group_ids() {
                let now = (replica.group(&group).cloned(), replica.members(&group));
                prop_assert_eq!(known.get(&group), Some(&now));
            }
        }
    }
}
