//! What the daemon is told, compared with what git itself says.

mod cases;
mod chance;
mod layouts;

use std::sync::Arc;

use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
use oam_proto::v1;
use tokio::sync::mpsc;

use super::{Asked, Histories};
use crate::{environment::Variables, git::tests::places, testing::Git};

/// Everything that was told of one history.
#[derive(Debug, Default, PartialEq)]
struct Told {
    paths: Vec<Vec<u8>>,
    files: Vec<(Vec<u8>, u64)>,
    commits: Vec<v1::Commit>,
    tip: Option<v1::Tip>,
    unreadable: String,
    messages: usize,
}

const EVERYTHING: v1::HistoryNeeded = v1::HistoryNeeded {
    update: 0,
    cover: 0,
    paths: true,
    files: true,
    commits: true,
    signatures: true,
    tip: true,
    at_most: 0,
};

fn update(change: RefChange) -> RefUpdate {
    RefUpdate { name: RefName::parse(b"refs/heads/main").unwrap(), change }
}

fn create(new: ObjectId) -> RefChange {
    RefChange::Create { new }
}

fn ask(git: &Git, change: RefChange, cover: &[&str], history: v1::HistoryNeeded) -> Told {
    ask_with(git, &[], change, cover, history)
}

/// Asks as the conversation does, in an environment with more variables.
fn ask_with(
    git: &Git,
    variables: &[(&str, &str)],
    change: RefChange,
    cover: &[&str],
    history: v1::HistoryNeeded,
) -> Told {
    let covers = vec![v1::Cover { refs: cover.iter().map(ToString::to_string).collect() }];
    let needed = v1::FactsNeeded { histories: vec![history], covers, ..v1::FactsNeeded::default() };
    let [told] = <[Told; 1]>::try_from(tell(git, variables, &needed, &[update(change)])).unwrap();
    told
}

fn tell(git: &Git, variables: &[(&str, &str)], needed: &v1::FactsNeeded, updates: &[RefUpdate]) -> Vec<Told> {
    let asked = Arc::new(Asked::read(needed, updates).unwrap());
    let places = Arc::new(places(git, variables));
    let path = std::env::var("PATH").unwrap();
    let variables: Variables = variables.iter().copied().chain([("PATH", path.as_str())]).collect();
    let histories = Histories::new(places, Arc::new(variables), "alice");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut told: Vec<Told> = needed.histories.iter().map(|_| Told::default()).collect();
    runtime.block_on(async {
        let (facts, mut messages) = mpsc::channel(2);
        let (mut at, mut is_last) = (0, false);
        let take = async {
            while let Some(v1::Facts { last, histories, ancestry }) = messages.recv().await {
                assert!(ancestry.is_empty() && !is_last);
                for history in histories {
                    assert_eq!(history.history, at);
                    let told = &mut told[history.history as usize];
                    told.paths.extend(history.paths);
                    told.files.extend(history.files.into_iter().map(|file| (file.path, file.size)));
                    told.commits.extend(history.commits);
                    told.tip = told.tip.take().or(history.tip);
                    told.unreadable.push_str(&history.unreadable);
                    told.messages += 1;
                    at += u32::from(history.last);
                }
                is_last = last;
            }
            assert!(is_last && at as usize == needed.histories.len());
        };
        let give = async {
            let facts = facts;
            histories.tell(&asked, &facts).await;
        };
        tokio::join!(give, take);
    });
    told
}
