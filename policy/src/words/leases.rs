//! Why the token of a lease does not count, and what a job does then.

use crate::facts::LeaseFault;

pub(super) fn of(fault: LeaseFault) -> (String, Option<String>) {
    let (what, hint) = match fault {
        LeaseFault::Malformed => {
            ("it is no token of a lease", "Push with what `oam ci lease --push-option` prints, unchanged.")
        }
        LeaseFault::NotOurs => (
            "no key of this daemon signed it",
            "Lease it at the exchange of the daemon that decides here. If you did, its keys were made anew since: lease again.",
        ),
        LeaseFault::Expired => ("its time is over", "Lease again just before the push, with `oam ci lease`."),
        LeaseFault::Several => (
            "there is more than one",
            "A push rests on one lease: give `-o oam-lease=…` once, and see that `push.pushOption` does not add another.",
        ),
        LeaseFault::NotInForce => (
            "its lease is used up, over, taken away, or of another account",
            "Push as the account that `oam ci lease` names, once for each use. `oam lease list --all` tells what became of it.",
        ),
    };
    (format!("The token of a lease that was pushed with does not count: {what}."), Some(hint.to_owned()))
}
