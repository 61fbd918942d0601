use proptest::prelude::*;

use super::*;

fn view(nested: bool, only: Option<&[&str]>, by_id: bool) -> View {
    View { nested, only: only.map(|names| names.iter().map(|name| (*name).to_owned()).collect()), by_id }
}

fn group(name: &str, members: &[&str]) -> Group {
    Group { name: name.into(), members: members.iter().map(|id| (*id).into()).collect() }
}

fn ids(ids: &[&str]) -> BTreeSet<Box<str>> {
    ids.iter().map(|id| (*id).into()).collect()
}

fn mirror(view: View) -> Mirror {
    let (mut mirror, mut touched) = (Mirror::new(view), Touched::default());
    for user in ["u1", "u2"] {
        mirror.put_user(user.into(), User::default(), &mut touched);
    }
    mirror.put_group("g1".into(), group("all", &["g2", "u2"]), &mut touched);
    mirror.put_group("g2".into(), group("team", &["u1", "g1", "nobody"]), &mut touched);
    mirror
}

#[test]
fn groups_in_groups_count_where_they_are_to() {
    let nested = mirror(view(true, None, false));
    assert_eq!((nested.members("g1"), nested.members("g2")), (ids(&["u1", "u2"]), ids(&["u1", "u2"])));
    let flat = mirror(view(false, None, false));
    assert_eq!((flat.members("g1"), flat.members("g2")), (ids(&["u2"]), ids(&["u1"])));
}

#[test]
fn two_groups_of_one_name_are_neither_unless_rules_name_ids() {
    let mut touched = Touched::default();
    let mut one = mirror(view(false, None, false));
    one.put_group("g3".into(), group("TEAM", &["u2"]), &mut touched);
    assert_eq!(touched.groups, ids(&["g2", "g3"]));
    assert_eq!((one.group("g2"), one.group("g3"), one.shared_names()), (None, None, vec!["team".to_owned()]));
    one.drop_group("g3", &mut touched);
    assert_eq!((one.group("g2"), one.shared_names()), (Some("team"), vec![]));
    let mut by_id = mirror(view(false, None, true));
    by_id.put_group("g3".into(), group("TEAM", &["u2"]), &mut touched);
    assert_eq!(
        (by_id.group("g2"), by_id.group("g3"), by_id.shared_names()),
        (Some("team"), Some("TEAM"), vec![])
    );
}

#[test]
fn only_groups_that_are_named_are_taken_and_others_may_be_in_them() {
    let mut mirror = mirror(view(true, Some(&["all", "g9"]), false));
    assert_eq!((mirror.group("g1"), mirror.group("g2")), (Some("all"), None));
    assert_eq!(mirror.members("g1"), ids(&["u1", "u2"]));
    let mut touched = Touched::default();
    mirror.put_group("g9".into(), group("by its id", &[]), &mut touched);
    assert_eq!(mirror.group("g9"), Some("by its id"));
    // Two that nobody asked for share a name: nobody need know.
    mirror.put_group("g8".into(), group("team", &[]), &mut touched);
    assert!(mirror.shared_names().is_empty());
}

#[test]
fn what_is_known_of_a_user_is_kept() {
    let user = User {
        username: Some("alice@example.com".into()),
        nick_name: Some("alice".into()),
        display_name: None,
        email: Some("a@example.com".into()),
        employee_number: Some("7".into()),
        active: true,
    };
    let document = Value::Object(user.document("00u1"));
    let expected = json!({
        "userName": "alice@example.com", "nickName": "alice", "externalId": "00u1", "active": true,
        "emails": [{"value": "a@example.com"}], ENTERPRISE: {"employeeNumber": "7"},
    });
    assert_eq!(document, expected);
}

/// The name and the members of a group.
type Shown = (Option<String>, BTreeSet<Box<str>>);

#[derive(Debug, Clone)]
enum Step {
    User(usize),
    DropUser(usize),
    Group(usize, usize, Vec<usize>),
    DropGroup(usize),
    GroupsOf(usize, Vec<usize>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..4_usize).prop_map(Step::User),
        (0..4_usize).prop_map(Step::DropUser),
        (4..8_usize, 0..5_usize, prop::collection::vec(0..8_usize, 0..4))
            .prop_map(|(id, name, members)| Step::Group(id, name, members)),
        (4..8_usize).prop_map(Step::DropGroup),
        (0..4_usize, prop::collection::vec(4..8_usize, 0..3))
            .prop_map(|(id, groups)| Step::GroupsOf(id, groups)),
    ];
    prop::collection::vec(step, 0..30)
}

proptest! {
    /// Whoever looks at nothing but what is touched knows as much as whoever looks at all; and what was kept is the same.
    #[test]
    fn what_is_not_touched_is_as_it_was(steps in steps(), nested: bool, narrow: bool) {
        const IDS: [&str; 8] = ["u0", "u1", "u2", "u3", "g4", "g5", "g6", "g7"];
        const NAMES: [&str; 5] = ["a", "A", "b", "c", "d"];
        let view = view(nested, narrow.then_some(&["a", "b", "c"][..]), false);
        let mut mirror = Mirror::new(view.clone());
        let mut known: HashMap<Box<str>, Shown> = HashMap::new();
        for step in steps {
            let mut touched = Touched::default();
            match step {
                Step::User(id) => mirror.put_user(IDS[id].into(), User::default(), &mut touched),
                Step::DropUser(id) => mirror.drop_user(IDS[id], &mut touched),
                Step::Group(id, name, members) => {
                    let members: Vec<_> = members.into_iter().map(|member| IDS[member]).collect();
                    mirror.put_group(IDS[id].into(), group(NAMES[name], &members), &mut touched);
                }
                Step::DropGroup(id) => mirror.drop_group(IDS[id], &mut touched),
                Step::GroupsOf(id, groups) => {
                    let groups: BTreeSet<_> = groups.into_iter().map(|group| IDS[group].into()).collect();
                    mirror.put_groups_of(IDS[id], &groups, &mut touched);
                }
            }
            let now = |mirror: &Mirror, group: &str| (mirror.group(group).map(str::to_owned), mirror.members(group));
            for group in touched.groups {
                known.insert(group.clone(), now(&mirror, &group));
            }
            for group in mirror.group_ids() {
                prop_assert_eq!(known.get(&group), Some(&now(&mirror, &group)));
            }
            let kept = Mirror::of_image(view.clone(), mirror.image());
            for group in mirror.group_ids() {
                prop_assert_eq!(now(&kept, &group), now(&mirror, &group));
            }
        }
    }
}
