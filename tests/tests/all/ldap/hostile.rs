//! Servers that are none: whatever they send, the daemon goes on.

use oam_tests::{ldap::rude_server, sample, temporary};

use super::Company;

/// An element around an element, so many times.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for level in (0..depth).rev() {
        bytes.extend([0x30, 0x84]);
        bytes.extend(u32::try_from(level * 6).unwrap().to_be_bytes());
    }
    bytes
}

#[test]
fn whatever_a_server_sends_the_others_are_decided_about() {
    let folder = temporary::folder();
    let password = folder.path().join("password");
    std::fs::write(&password, "secret").unwrap();
    for bytes in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        vec![0x30, 0x80],
        b"\x30\x0c\x02\x01\x01\x64\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec(),
        nested(1_000_000),
        Vec::new(),
    ] {
        let server = rude_server(bytes.clone());
        let config = format!(
            "[source.hr]\nkind = \"file\"\n[source.corp]\nkind = \"ldap\"\nmax_age = \"1h\"\n[source.corp.ldap]\n\
             urls = [\"ldap://{server}\"]\nplaintext = \"loopback-only\"\nflavour = \"openldap\"\nbind_dn = \"cn=a\"\n\
             password_file = {password:?}\nusers.base = \"dc=x\"\ngroups.base = \"dc=x\"\n"
        );
        let company = Company::beginning(&config, Some(sample::directory().replace("okta:eng", "hr:eng")));
        if !bytes.is_empty() {
            company.wait("it is no server", |source| source["feed"]["trouble"].is_string());
        }
        // Whom another source knows is decided about; whom nobody knows may be one of its.
        company.refuses("alice", "no-grant");
        company.does_not_decide("somebody-else");
        let log = company.daemon.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}
