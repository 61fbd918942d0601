//! Jobs that lease what a case says, at a real daemon: with tokens of a real provider, and `oam ci lease`.

use std::fs;

use oam_policy::Policy;
use oam_tests::{Daemon, Finished, Provider, Run as _, wait};
use serde_json::{Map, Value};

use crate::{case::Case, file::CaseFile, held::Lease};

/// What stands for the provider in the policies of cases.
const ISSUER: &str = "https://ci.example.com";
const AUDIENCE: &str = "urn:oam:cases";
/// `oam` says so where a job may not.
const NO: i32 = 5;

/// A CI system whose jobs lease.
pub(crate) struct Jobs(Provider);

/// What was leased for one question.
#[derive(Default)]
pub(crate) struct Leased {
    ids: Vec<String>,
    /// What is to be shown.
    pub(crate) shown: Vec<String>,
}

impl Jobs {
    /// One, where a file takes it.
    pub(crate) fn of(file: &CaseFile) -> Option<Self> {
        file.cases.iter().any(Case::leases_something).then(|| Self(Provider::start()))
    }

    /// What the daemon is told of it.
    pub(crate) fn config(&self) -> String {
        format!(
            "[exchange]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\nurl = \"https://oam.example.com\"\n\
             [issuer.ci]\nfor = \"workloads\"\nurl = \"{}\"\naudience = \"{AUDIENCE}\"\ntype = \"at+jwt\"\n\
             network = \"loopback\"\njwks_retry = \"0s\"\n",
            self.0.issuer
        )
    }

    /// A policy whose workloads are of this provider.
    pub(crate) fn policy(&self, text: &str) -> String {
        text.replace(ISSUER, &self.0.issuer)
    }

    /// Leases all that a case says, for a push of that commit: what is used up by now, or what is not. What no job gets is not
    /// leased: that is what such a case is about.
    pub(crate) fn lease(
        &self,
        (daemon, policy): (&Daemon, &Policy),
        case: &Case,
        is_used_up: bool,
        pushed: &str,
    ) -> Leased {
        let mut leased = Leased::default();
        for lease in case.leases.iter().filter(|lease| lease.used == is_used_up) {
            let answer = self.ask(daemon, policy, lease, &lease.arguments(case, pushed));
            if answer.code == NO {
                continue;
            }
            let told: Value = serde_json::from_slice(&answer.expect_success("oam ci lease").stdout).unwrap();
            leased.ids.push(told["id"].as_str().expect("an id").to_owned());
            if lease.is_shown() {
                let option = told["push_option"].as_str().expect("a push option");
                leased.shown.push(option.strip_prefix("oam-lease=").expect("a token").to_owned());
            }
        }
        leased
    }

    fn ask(&self, daemon: &Daemon, policy: &Policy, lease: &Lease, arguments: &[String]) -> Finished {
        let claims = &lease.workload(policy).claims;
        let claims: Map<_, _> =
            claims.iter().map(|(claim, text)| (claim.to_string(), Value::from(text.as_str()))).collect();
        let token = self.0.job_token(AUDIENCE, &claims.into());
        let address = wait::until("the daemon says where it listens", || {
            let text = fs::read_to_string(daemon.runtime().join("exchange.addr")).ok()?;
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        });
        let mut oam = daemon.oam_command();
        oam.env("OAM_ID_TOKEN", token).env("OAM_EXCHANGE", format!("http://{address}"));
        oam.args(["--json", "ci", "lease"]).args(arguments).run()
    }
}

impl Leased {
    /// Both together.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.ids.extend(more.ids);
        self.shown.extend(more.shown);
        self
    }

    /// Ends it, so that the next case begins anew.
    pub(crate) fn end(&self, daemon: &Daemon) {
        for id in &self.ids {
            // One that was used up is over.
            daemon.oam(["lease", "revoke", id, "--reason", "the case is over"]);
        }
    }
}
