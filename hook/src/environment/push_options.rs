//! What whoever pushed gave with `git push -o`, as git hands it on. Bitbucket does not, so there it is not looked at.

use oam_proto::v1::ShownLease;

use super::Variables;

/// Before the token of a lease.
const LEASE: &[u8] = b"oam-lease=";

/// How many options are looked at. Whoever gives more shows no lease with those.
const MOST: usize = 256;

/// The tokens of leases among the push options. Everything else in them is for others.
pub(super) fn lease(variables: &Variables) -> Option<ShownLease> {
    let count: usize = variables.get("GIT_PUSH_OPTION_COUNT")?.to_str()?.parse().ok()?;
    let names = (0..count.min(MOST)).map(|number| format!("GIT_PUSH_OPTION_{number}"));
    let options = names.filter_map(|name| Some(variables.get(&name)?.as_encoded_bytes()));
    ShownLease::of(options.filter_map(|option| option.strip_prefix(LEASE)))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    use super::lease;
    use crate::environment::Variables;

    fn read(count: &str, options: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
        let numbered = options.iter().enumerate();
        let options = numbered.map(|(number, option)| {
            (format!("GIT_PUSH_OPTION_{number}"), OsString::from_vec(option.to_vec()))
        });
        let count = ("GIT_PUSH_OPTION_COUNT".to_owned(), OsString::from(count));
        let variables: Variables = options.chain([count]).collect();
        lease(&variables).map(|shown| shown.tokens)
    }

    #[test]
    fn of_all_options_only_a_lease_is_taken() {
        assert_eq!(read("1", &[b"oam-lease=a.b.c"]), Some(vec![b"a.b.c".to_vec()]));
        assert_eq!(read("3", &[b"ci.skip", b"oam-lease=a", b"\xff"]), Some(vec![b"a".to_vec()]));
        // That there are two is told, and how many more is not.
        let two = Some(vec![b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(read("3", &[b"oam-lease=a", b"oam-lease=b", b"oam-lease=c"]), two);
        assert_eq!(read("1", &[b"oam-lease=\xff\n"]), Some(vec![b"\xff\n".to_vec()]));
        // One that is no token is told, too: whoever shows it means the push to rest on it.
        assert_eq!(read("1", &[b"oam-lease="]), Some(vec![vec![]]));
        let long = [&b"oam-lease="[..], &[b'a'; 100_000]].concat();
        assert_eq!(read("1", &[&long]), Some(vec![vec![]]));
        for (count, options) in [
            ("0", &[&b"oam-lease=a"[..]][..]),
            ("", &[b"oam-lease=a"]),
            ("-1", &[b"oam-lease=a"]),
            ("x", &[b"oam-lease=a"]),
            ("99999999999999999999999", &[b"oam-lease=a"]),
            ("1", &[b"OAM-LEASE=a"]),
            ("1", &[b"x oam-lease=a"]),
            ("18446744073709551615", &[]),
        ] {
            assert_eq!(read(count, options), None, "{count} {options:?}");
        }
    }
}
