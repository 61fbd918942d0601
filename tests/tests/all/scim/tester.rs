//! The conformance tests of `scim2-tester`, a program of others, against the real daemon over HTTPS.

use std::process::Command;

use oam_tests::{Run, binaries, certificates::Authority, daemon::Setup};

use super::Company;

/// What this service does not offer, and says so in its `ServiceProviderConfig`.
const NOT_OFFERED: [&str; 3] = ["bulk", "sort", "password"];

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
    // What it leaves out for something that we do not offer, though we say that we do, is our fault.
    let skipped: Vec<_> = report.lines().filter(|line| line.contains("SKIPPED")).collect();
    let is_known = |line: &&str| NOT_OFFERED.iter().any(|what| line.to_lowercase().contains(what));
    let unknown: Vec<_> = skipped.iter().filter(|line| !is_known(line)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}\n{report}");
}
