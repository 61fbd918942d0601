//! The conformance tests of `scim2-tester`, a program of others, against the real daemon over HTTPS.

use std::{path::PathBuf, process::Command};

use oam_tests::{Run, certificates::Authority, daemon::Setup};

use super::Company;

/// Where `.ci/run` puts the program.
fn program() -> Option<PathBuf> {
    let given = std::env::var_os("OAM_SCIM2").map(PathBuf::from);
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/scim2/bin/scim2");
    given.into_iter().chain([installed]).find(|path| path.is_file())
}

#[test]
fn scim2_tester_finds_nothing() {
    let Some(scim2) = program() else {
        eprintln!(
            "SKIPPED: scim2-tester is not installed. `.ci/run` does it: python3 -m venv target/scim2 && \
             target/scim2/bin/pip install scim2-cli==0.6.0 scim2-tester==0.5.2"
        );
        return;
    };
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
