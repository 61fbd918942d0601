//! What is so of every provider that is asked, whichever it is: the scenes are the same, the servers are not.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use oam_tests::{ClientKey, Verdict, wait};

use crate::ldap::{Company, has_no_group, is_inactive};

/// A provider with `alice`, `bob` and others of the group `eng`, and `kim` in none.
pub(crate) trait Provider {
    /// What kind of source asks it.
    const KIND: &str;
    /// What its second page of a load is asked for by.
    const SECOND_PAGE: &str;

    /// A new one.
    fn begin() -> Self;

    /// The configuration of the source `corp`; `more` are keys below its own section.
    fn config(&self, max_age: &str, more: &str) -> String;

    /// The same, where the daemon shows who it is by a key of its own.
    fn config_with(&self, key: &ClientKey, max_age: &str, more: &str) -> String;

    /// How it is called in the status.
    fn called(&self) -> String;

    /// The file with what lets the daemon ask.
    fn secret(&self) -> PathBuf;

    /// A folder for more files.
    fn folder(&self) -> &Path;

    /// A key as it takes them; from now on it takes nothing else.
    fn trust_a_key(&self) -> ClientKey;

    /// How many tokens it gave out for a key.
    fn granted(&self) -> usize;

    /// One more in the group `eng`.
    fn hire_engineer(&self, name: &str);

    /// Takes bob out of the group `eng`.
    fn take_out_bob(&self);

    /// Lets alice act no more.
    fn cut_off_alice(&self);

    /// Shows nothing to whoever asks, as to somebody without rights.
    fn show_nothing(&self);

    /// Shows nobody to whoever asks for everybody; what changed is told all the same.
    fn hide_from_loads(&self);

    /// Names a page that was read already as the next one of every list that is long enough.
    fn go_round(&self, goes_round: bool);

    /// Names this host in the links to next pages.
    fn point_next_to(&self, base: &str);

    /// Holds every request whose target contains `part`, until [`Self::release`].
    fn hold(&self, part: &str);

    /// Whether a request is held.
    fn is_held(&self) -> bool;

    /// Answers whatever is held.
    fn release(&self);

    /// Whether it answers at all.
    fn answers(&self, answers: bool);
}

/// The scenes as tests, played with one provider.
macro_rules! scenes {
    ($provider:ty) => {
        crate::asked::scenes! {
            $provider:
            a_load_that_takes_everything_from_many_waits_for_a_word
            who_leaves_while_a_load_is_held_is_refused_all_the_same
            it_can_be_looked_at_before_it_is_trusted
            half_of_a_load_changes_nothing_and_what_is_old_is_undecided
            the_next_page_is_never_asked_for_elsewhere
            a_list_that_goes_round_is_no_list
            with_a_secret_that_is_none_nothing_is_decided_and_another_is_taken_from_its_file
            a_key_shows_who_asks
        }
    };
    ($provider:ty: $($scene:ident)+) => {
        $(
            #[test]
            fn $scene() {
                crate::asked::$scene::<$provider>();
            }
        )+
    };
}
pub(crate) use scenes;

/// What a push comes to before anything was read: nobody is called nobody.
fn nothing_is_known() -> (Verdict, String) {
    (Verdict::Undecided, "snapshot-missing".to_owned())
}

pub(crate) fn a_load_that_takes_everything_from_many_waits_for_a_word<P: Provider>() {
    let provider = P::begin();
    for number in 0..10 {
        provider.hire_engineer(&format!("more-{number}"));
    }
    let company = Company::following(&provider.config("1h", "poll = \"1h\""));
    company.permits("alice");
    provider.show_nothing();
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    company.wait("it is held back", |source| source["feed"]["held"].is_string());
    company.permits("alice");
    let arguments = ["source", "sync", "corp", "--accept-loss", "--reason", "the contract has ended"];
    company.daemon.oam(arguments).expect_success("a word");
    company.wait_for("it is so", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
}

/// Whether the daemon remembers what it read before, or has only what the source said.
pub(crate) fn who_leaves_while_a_load_is_held_is_refused_all_the_same<P: Provider>() {
    for remembers in [true, false] {
        let provider = P::begin();
        for number in 0..10 {
            provider.hire_engineer(&format!("more-{number}"));
        }
        let mut company = Company::following(&provider.config("1h", "poll = \"1s\""));
        company.permits("alice");
        provider.hide_from_loads();
        if remembers {
            company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
        } else {
            company.daemon.stop();
            fs::remove_file(company.daemon.state().join("sources/corp/followed")).unwrap();
            company.daemon.spawn();
        }
        company.wait("it is held back", |source| source["feed"]["held"].is_string());
        provider.cut_off_alice();
        company.wait_for("alice is cut off", "alice", is_inactive);
        company.refuses("alice", "account-disabled");
        company.permits("more-1");
        let source = company.source();
        assert!(source["feed"]["held"].is_string() && source["feed"]["trouble"].is_null(), "{source}");
    }
}

pub(crate) fn it_can_be_looked_at_before_it_is_trusted<P: Provider>() {
    let provider = P::begin();
    let company = Company::following(&provider.config("1h", "poll = \"1s\""));
    let shown = company.daemon.oam(["source", "preview", "corp"]).expect_success("a preview").stdout_text();
    assert!(shown.contains("alice") && shown.contains("corp:eng"), "{shown}");
    let one = ["source", "preview", "corp", "--filter", "bob@example.com"];
    let shown = company.daemon.oam(one).expect_success("a preview").stdout_text();
    assert!(shown.contains("bob") && !shown.contains("alice"), "{shown}");
    let nobody = ["source", "preview", "corp", "--filter", "../groups"];
    let shown = company.daemon.oam(nobody).stdout_text();
    assert!(shown.contains("nobody"), "{shown}");
    let status = company.source();
    assert_eq!(status["kind"], P::KIND);
    assert!(status["feed"]["server"].as_str().unwrap().contains(&provider.called()), "{status}");
}

pub(crate) fn half_of_a_load_changes_nothing_and_what_is_old_is_undecided<P: Provider>() {
    let provider = P::begin();
    let company = Company::following(&provider.config("3s", "poll = \"1s\""));
    company.permits("alice");
    // The first page came, and then the network is cut.
    provider.hold(P::SECOND_PAGE);
    company.daemon.oam(["source", "sync", "corp"]).expect_success("a load");
    wait::until("the second page is asked for", || provider.is_held().then_some(()));
    provider.answers(false);
    provider.release();
    company.wait("it is told why", |source| source["feed"]["trouble"].is_string());
    company.wait("it is too old", |source| source["stale"] == true);
    company.does_not_decide("alice");
    company.does_not_decide("bob");
    assert_eq!(company.groups("alice"), ["corp:eng"], "half of a load took nothing");
    provider.take_out_bob();
    provider.answers(true);
    company.wait_for("bob is out of the group", "bob", has_no_group);
    company.wait("it is heard again", |source| source["stale"] == false);
    company.permits("alice");
    company.refuses("bob", "no-grant");
}

pub(crate) fn the_next_page_is_never_asked_for_elsewhere<P: Provider>() {
    let provider = P::begin();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    provider.point_next_to(&format!("http://{}", elsewhere.local_addr().unwrap()));
    let company = Company::beginning(&provider.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("on another host"))
    });
    assert!(elsewhere.accept().is_err(), "somebody came there, with a token");
    assert_eq!(company.push("alice"), nothing_is_known());
}

pub(crate) fn a_list_that_goes_round_is_no_list<P: Provider>() {
    let provider = P::begin();
    provider.go_round(true);
    let company = Company::beginning(&provider.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("goes round in circles"))
    });
    assert_eq!(company.push("alice"), nothing_is_known());
    provider.go_round(false);
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("alice");
}

pub(crate) fn with_a_secret_that_is_none_nothing_is_decided_and_another_is_taken_from_its_file<
    P: Provider,
>() {
    let provider = P::begin();
    let secret = provider.secret();
    let good = fs::read_to_string(&secret).unwrap();
    fs::write(&secret, "00wrong~secret").unwrap();
    let company = Company::beginning(&provider.config("1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("401"))
    });
    assert_eq!(company.push("alice"), nothing_is_known());
    fs::write(&secret, good).unwrap();
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("alice");
    assert!(!company.daemon.log().contains("00wrong~secret"));
}

/// Instead of a secret, the daemon shows what it has signed: each once, and another key is taken from its file.
pub(crate) fn a_key_shows_who_asks<P: Provider>() {
    let provider = P::begin();
    let key = provider.trust_a_key();
    let good = fs::read_to_string(&key.key).unwrap();
    // A key that nobody knows.
    let other = provider.folder().join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(&ClientKey::rsa(&other).key, &key.key).unwrap();
    let company = Company::beginning(&provider.config_with(&key, "1h", "poll = \"1s\""), None);
    company.wait("it is told of", |source| {
        source["feed"]["trouble"].as_str().is_some_and(|trouble| trouble.contains("401"))
    });
    assert_eq!((company.push("alice"), provider.granted()), (nothing_is_known(), 0));
    fs::write(&key.key, &good).unwrap();
    company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
    company.permits("alice");
    provider.cut_off_alice();
    company.wait_for("alice is cut off", "alice", is_inactive);
    company.refuses("alice", "account-disabled");
    assert!(provider.granted() > 0);
    let (log, secrets) = (company.daemon.log(), company.daemon.oam(["secrets"]).stdout_text());
    let line = good.lines().nth(1).unwrap();
    assert!(!log.contains(line) && !log.contains("eyJ"), "{log}");
    assert!(
        secrets.contains(&format!("source.corp.{}.key", P::KIND)) && !secrets.contains(line),
        "{secrets}"
    );
}
