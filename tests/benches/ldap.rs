//! How long it takes from a change on a directory server to the refused push, with OpenLDAP and with Samba as a domain
//! controller.
//!
//! `cargo bench -p oam-tests --bench ldap` disables and enables one account again and again; `-- --quick` takes few rounds.
//! *In force* is when the daemon first says that the account is inactive, asked by one `oam` after the other, so it is
//! too long by up to one of these; *refused* is when a real push that began then has been refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails loudly"
)]

use std::time::{Duration, Instant};

use oam_tests::{
    BareRepo, Daemon, Verdict,
    daemon::Setup,
    ldap::{OpenLdap, Samba, can_run},
    sample, wait,
};

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 20 } else { 200 };
    if can_run(&["slapd", "ldapmodify"]) {
        let people = OpenLdap::user("alice") + &OpenLdap::group("eng", &["alice"]);
        let server = OpenLdap::start(&people);
        let disable = |disabled| {
            server.change(&OpenLdap::set("alice", "shadowExpire", if disabled { "1" } else { "-1" }));
        };
        measure("OpenLDAP", rounds, &server.config("openldap", ""), disable);
    }
    if can_run(&["samba", "samba-tool", "ldapmodify"]) && Samba::can_bind() {
        let server = Samba::start();
        server.change(&(Samba::user("alice") + &Samba::group("eng", &["alice"])));
        measure("Samba AD", rounds, &server.config(""), |disabled| {
            server.change(&Samba::disable("alice", disabled));
        });
    }
}

fn measure(name: &str, rounds: usize, config: &str, disable: impl Fn(bool)) {
    let policy = sample::POLICY.replace("any = [\"okta:eng\"]", "any = [\"corp:eng\"]");
    let daemon = Daemon::start_with(&Setup { config: config.into(), directory: None, policy });
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let push = |round: usize| {
        work.commit(&format!("round {round}"));
        work.push(["HEAD:refs/heads/feature/x", "-f"]).verdict()
    };
    let until_active = |active: bool| {
        wait::until("alice is so", || {
            let shown = daemon.oam(["--json", "user", "show", "alice"]).stdout_text();
            shown.contains(&format!("\"active\": {active}")).then_some(())
        });
    };
    until_active(true);
    assert_eq!(push(0), Verdict::Permitted);
    let (mut in_force, mut refused) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        // Counted from before the change is sent, by a program that has to start and to bind first.
        let start = Instant::now();
        disable(true);
        until_active(false);
        in_force.push(start.elapsed());
        assert_eq!(push(round), Verdict::Refused);
        refused.push(start.elapsed());
        disable(false);
        until_active(true);
    }
    println!("{name}, {rounds} rounds, from before `ldapmodify` starts:");
    for (what, mut times) in [("in force", in_force), ("refused push", refused)] {
        times.sort_unstable();
        let at = |share: usize| shown(times[(times.len() - 1) * share / 100]);
        println!("  {what:<13} median {}  p99 {}", at(50), at(99));
    }
}

fn shown(time: Duration) -> String {
    format!("{:>8.1} ms", time.as_secs_f64() * 1000.0)
}
