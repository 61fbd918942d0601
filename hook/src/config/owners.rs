use std::fs;

use serde::Deserialize;

/// A user, as `socket_owners` lists them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Owner {
    Id(u32),
    Name(String),
}

/// The ids of the users listed. Names are looked up in `/etc/passwd` alone: the C library's way (NSS) loads plug-ins,
/// which a static binary cannot do safely.
pub(super) fn ids(owners: Vec<Owner>) -> Result<Vec<u32>, String> {
    let mut passwd = None;
    owners
        .into_iter()
        .map(|owner| match owner {
            Owner::Id(id) => Ok(id),
            Owner::Name(name) => {
                let passwd =
                    passwd.get_or_insert_with(|| fs::read_to_string("/etc/passwd").unwrap_or_default());
                find(passwd, &name).ok_or_else(|| {
                    format!("`socket_owners`: `/etc/passwd` has no user `{name}`; write the number")
                })
            }
        })
        .collect()
}

/// The id of a user in a file of passwd(5)'s form.
fn find(passwd: &str, name: &str) -> Option<u32> {
    let mut users = passwd.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| if fields.next() == Some(name) { fields.nth(1)?.parse().ok() } else { None })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_third_field_of_the_line_that_begins_with_the_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\noamx:x:7:7::/:\noam:x:998:997::/:/bin/false\n";
        assert_eq!(find(passwd, "oam"), Some(998));
        assert_eq!(find(passwd, "root"), Some(0));
        assert_eq!(find(passwd, "x"), None);
        assert_eq!(find(passwd, ""), None);
    }
}
