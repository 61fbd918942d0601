//! Big files, deep files, and files with a great many faults.

use super::{
    super::{parse_json, parse_toml},
    json,
};

#[test]
fn deep_nesting_is_a_fault_and_no_overflow() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let faults =
            json(&format!("{{\"version\":1,\"users\":[{{\"username\":\"a\",\"x\":{deep}}}],\"y\":{deep}}}"));
        assert_eq!(faults.total(), 2);
    }
}

#[test]
fn a_great_many_faults_are_told_in_time() {
    let users = |n: u32| format!("{{\"username\":\"user-number-{n}\"}}");
    let users: Vec<_> = (0..10_000).map(users).collect();
    let members: Vec<_> = (0..10_000).map(|n| format!("\"user-nomber-{n}\"")).collect();
    // All on one line, as programs write it.
    let text = format!(
        "{{\"version\":1,\"users\":[{}],\"groups\":[{{\"name\":\"a:b\",\"members\":[{}]}}]}}",
        users.join(","),
        members.join(",")
    );
    let faults = json(&text);
    assert_eq!((faults.total(), faults.iter().count()), (10_000, 1_000));
    let guessed =
        faults.iter().filter(|fault| fault.help.as_deref().is_some_and(|help| help.contains("did you mean")));
    assert_eq!(guessed.count(), 20);
    for fault in faults.iter() {
        let found: String =
            fault.excerpt.chars().skip(fault.caret() as usize).take(fault.length as usize).collect();
        assert!(found.starts_with("\"user-nomber-") && found.ends_with('"'), "{fault}");
    }
}

/// 500,000 users and 2,000,000 memberships. `cargo test --release -p oam-policy -- --ignored --nocapture half_a_million`
#[test]
#[ignore = "a measurement: it takes long without optimisation"]
fn half_a_million_users() {
    let user = |n: u32| {
        let group = |k: u32| format!("\"okta:team-{}\"", (n * 7 + k * 131) % 20_000);
        format!(
            "{{\"username\":\"firstname.lastname{n}\",\"id\":\"00u{n:016}\",\"name\":\"Firstname Lastname {n}\",\
             \"emails\":[\"firstname.lastname{n}@example.com\"],\"active\":true,\"groups\":[{},{},{},{}]}}",
            group(0),
            group(1),
            group(2),
            group(3)
        )
    };
    let users: Vec<_> = (0..500_000).map(user).collect();
    let text = format!("{{\"version\":1,\"users\":[{}]}}", users.join(","));
    drop(users);
    let before = resident();
    let start = std::time::Instant::now();
    let directory = parse_json("d", &text).unwrap();
    let (took, more) = (start.elapsed(), resident() - before);
    println!(
        "{} MB read in {took:?}: {more} MB more are held, {} MB at the most",
        text.len() / 1_000_000,
        peak()
    );
    assert_eq!(directory.people.len(), 500_000);
    let start = std::time::Instant::now();
    let faulty = text.replace("okta:team-1", "team-1");
    println!("{} faults told in {:?}", parse_json("d", &faulty).unwrap_err().total(), start.elapsed());
}

/// As above, with 100,000 users of TOML.
#[test]
#[ignore = "a measurement: it takes long without optimisation"]
fn half_a_million_lines_of_toml() {
    let user = |n: u32| {
        format!(
            "[[users]]\nusername = \"firstname.lastname{n}\"\nid = \"00u{n:016}\"\ngroups = [\"okta:a\", \"okta:team-{n}\"]\n"
        )
    };
    let text = format!("version = 1\n{}", (0..100_000).map(user).collect::<String>());
    let start = std::time::Instant::now();
    parse_toml("d", &text).unwrap();
    println!("{} MB read in {:?}: {} MB at the most", text.len() / 1_000_000, start.elapsed(), peak());
}

/// The most memory that this process ever had, in MB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

/// The memory of this process, in MB.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4 / 1024
}
