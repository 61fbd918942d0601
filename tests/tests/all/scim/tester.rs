//! The conformance tests of `scim2-tester`, a program of others, against the real daemon over HTTPS.

use std::process::Command;

use oam_tests::{Run, binaries, certificates::Authority, daemon::Setup};

use super::Company;

#[test]
fn scim2_tester_finds_nothing() {
    let Some(scim2) = binaries::of_others("scim2/bin/scim2") else { return };
    let folder = oam_tests::temporary::folder();
    let authority = Authority::new(folder.path(), "ca");
    let server = authority.server(folder.path(), "scim");
    let config = format!(
        "[source.okta]\nkind = \"scim\"\n\n[scim]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        server.certificate.display(),
        server.key.display()
    );
    let company = Company::with(&Setup { config, directory: None, ..Setup::default() });
    let mut tester = Command::new(scim2);
    tester.env("SSL_CERT_FILE", authority.file());
    tester.arg("--url").arg(company.okta.base().replace("http://", "https://"));
    tester.arg("--header").arg(format!("Authorization: Bearer {}", company.okta.token())).arg("test");
    let found = tester.run();
    let report = found.stdout_text() + &found.stderr_text();
    assert_eq!(found.code, 0, "{report}");
    assert!(!report.contains("ERROR") && !report.contains("CRITICAL"), "{report}");
    assert!(report.contains("SUCCESS"), "it tested nothing: {report}");
}
