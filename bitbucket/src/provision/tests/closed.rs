use super::company;
use crate::{
    permission::Holder,
    provision::{
        Dated, Reading,
        door::Doors,
        seen::{MOST_CLOSED_AGAIN, closed},
    },
};

const DAY: u64 = 24 * 60 * 60;

#[test]
fn of_those_who_have_nothing_left_a_few_are_looked_at_again_the_longest_first() {
    let mut seen = company().seen;
    let many = MOST_CLOSED_AGAIN + 20;
    let user = |number: usize| Holder::user(&format!("gone-{number:03}")).unwrap();
    for (number, at) in (1..).take(many).enumerate() {
        seen.doors.insert(user(number), Dated { at, is: Doors::default() });
    }
    let now = 2 * DAY;
    let reading = Reading { now, within: 60 };
    let doors = Doors { groups: ["eng".to_owned()].into(), ..Doors::default() };
    seen.doors.insert(user(900), Dated { at: now - 90, is: doors });
    seen.doors.insert(user(901), Dated { at: now - 90, is: Doors::default() });
    // What was never read, or in the future, is not believed.
    seen.doors.insert(user(902), Dated { at: 0, is: Doors::default() });
    seen.doors.insert(user(903), Dated { at: now + 1, is: Doors::default() });
    let not_again: Vec<_> = closed(&seen, reading).into_iter().collect();
    let latest = (MOST_CLOSED_AGAIN..many).map(user);
    assert_eq!(not_again, latest.chain([user(901)]).collect::<Vec<_>>());
    assert!(closed(&seen, Reading { now, within: 0 }).is_empty(), "nothing is believed");
}
