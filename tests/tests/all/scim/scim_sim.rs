//! `scim-sim`, a program of others that pushes users and groups, each command a process of its own.

use std::{fs, path::PathBuf, process::Command};

use oam_tests::{Run, binaries, temporary};
use tempfile::TempDir;

use super::Company;

/// `scim-sim` with a home of its own, where it finds the source and its token.
struct Simulator {
    program: PathBuf,
    home: TempDir,
}

impl Simulator {
    fn of(company: &Company) -> Option<Self> {
        let program = binaries::of_others("scim-sim/bin/scim-sim")?;
        let home = temporary::folder();
        let config = serde_json::json!({
            "SCIM_BASE_URL": company.okta.base(),
            "SCIM_AUTH_TOKEN": company.okta.token(),
        });
        fs::write(home.path().join(".scim_config.json"), config.to_string()).unwrap();
        Some(Self { program, home })
    }

    /// Runs a command that is to succeed; gives the id that it tells, if it tells one.
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("HOME", self.home.path()).env("PYTHONUTF8", "1");
        let said = command.run().expect_success("scim-sim").stdout_text();
        assert!(said.contains("successfully"), "{arguments:?}: {said}");
        said.trim().rsplit(' ').next().unwrap_or_default().to_owned()
    }
}

#[test]
fn what_scim_sim_pushes_is_met_by_the_next_push() {
    let company = Company::new();
    let Some(simulator) = Simulator::of(&company) else { return };
    let group = simulator.run(&["create-group", "eng"]);
    let [one, other] = [(); 2].map(|()| simulator.run(&["add-user"]));
    let name = |id: &str| {
        let user = company.okta.get(&format!("/Users/{id}"));
        user.expect(200).body["userName"].as_str().unwrap().to_owned()
    };
    let (first, second) = (name(&one), name(&other));
    company.refuses(&first, "no-grant");
    for user in [&one, &other] {
        simulator.run(&["add-to-group", user, &group]);
    }
    company.permits(&first);
    company.permits(&second);
    simulator.run(&["remove-from-group", &one, &group]);
    company.refuses(&first, "no-grant");
    company.permits(&second);
    simulator.run(&["remove-user", &other]);
    company.refuses(&second, "account-disabled");
}
