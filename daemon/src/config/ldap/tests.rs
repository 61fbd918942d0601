use super::*;

const WHOLE: &str = "urls = ['ldaps://a']\nflavour = 'openldap'\nbind_dn = 'cn=o'\npassword_file = '/p'\n\
                     users.base = 'ou=p,dc=x'\ngroups.base = 'ou=g,dc=x'\n";

fn config(text: &str) -> Result<LdapConfig, String> {
    let section: LdapSection = toml::from_str(text).map_err(|error| error.to_string())?;
    configured(section).map_err(|error| error.to_string())
}

#[test]
fn an_address_says_how_it_is_secured() {
    for (url, plaintext, expected) in [
        ("ldaps://ldap.example.com", false, Ok((LdapSecurity::Ldaps, "ldaps://ldap.example.com:636"))),
        ("ldap://ldap.example.com/", false, Ok((LdapSecurity::StartTls, "ldap://ldap.example.com:389"))),
        ("LDAPS://[::1]:1636", false, Ok((LdapSecurity::Ldaps, "ldaps://[::1]:1636"))),
        ("ldap://127.0.0.1:1389", true, Ok((LdapSecurity::None, "ldap://127.0.0.1:1389"))),
        ("ldap://localhost", true, Ok((LdapSecurity::None, "ldap://localhost:389"))),
        ("ldap://ldap.example.com", true, Err("TLS is needed")),
        ("ldap://localhost.example.com", true, Err("TLS is needed")),
        ("http://a", false, Err("is no address")),
        ("ldap.example.com", false, Err("is no address")),
        ("ldaps://", false, Err("is no address")),
        ("ldaps://a:b", false, Err("is no address")),
        ("ldaps://a/dc=x", false, Err("is no address")),
        ("ldaps://u@a", false, Err("is no address")),
        ("ldaps://[::1]x", false, Err("is no address")),
    ] {
        match (server(url, plaintext), expected) {
            (Ok(server), Ok((security, text))) => {
                assert_eq!((server.security, server.to_string().as_str()), (security, text), "{url}");
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{url}: {error}");
            }
            (other, _) => panic!("{url}: {other:?}"),
        }
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    assert!(config(WHOLE).is_ok());
    for (more, expected) in [
        ("plaintext = 'yes'", "loopback-only"),
        ("max_loss = '101%'", "is no share"),
        ("max_loss = '5'", "is no share"),
        ("resync = '0s'", "more than once a second"),
        ("users.filter = 'uid=a'", "is no filter"),
        ("users.id = 'x'", "always has `entryUUID`"),
        ("users.limits = ['x']", "is none of"),
        ("users.username = 'a=b'", "is no name of an attribute"),
        ("groups.filter = '(a'", "is no filter"),
        ("groups.scope = 'x'", "unknown field"),
    ] {
        let error = config(&format!("{WHOLE}{more}\n")).unwrap_err();
        assert!(error.contains(expected), "{more}: {error}");
    }
    let error = config(&WHOLE.replace("ou=p,dc=x", "people")).unwrap_err();
    assert!(error.contains("no distinguished name"), "{error}");
    let error = config(&WHOLE.replace("'ldaps://a'", "")).unwrap_err();
    assert!(error.contains("one server at least"), "{error}");
}

#[test]
fn each_flavour_has_its_own_attributes() {
    let config = config(&WHOLE.replace("openldap", "active-directory")).unwrap();
    let (users, groups) = (config.users, config.groups);
    assert_eq!((users.id.as_str(), users.username.as_str()), ("objectGUID", "sAMAccountName"));
    assert_eq!((groups.name.as_str(), groups.member.as_str()), ("sAMAccountName", "member"));
    assert_eq!(users.limits, [Limit::UserAccountControl, Limit::AccountExpires]);
}
