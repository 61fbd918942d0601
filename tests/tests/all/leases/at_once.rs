//! Many pushes at once by one lease, as the daemon is asked by hooks.

use std::sync::Arc;

use oam_proto::v1::{
    self, authorize_request::Step, authorize_response::Step as Answer, authorizer_client::AuthorizerClient,
    ref_update::Change,
};
use tokio::{runtime::Runtime, sync::Barrier};
use tonic::transport::{Channel, Endpoint};

use super::*;

const COUNT: usize = 100;

/// Each has begun before the first says what it pushes: the daemon holds all of these conversations at once.
async fn converse(channel: Channel, begun: Arc<Barrier>, token: Option<Vec<u8>>) -> v1::Outcome {
    let (steps, sent) = tokio::sync::mpsc::unbounded_channel();
    let opening = v1::Opening {
        repository: "DEMO/app".into(),
        pusher: "svc-release".into(),
        channel: v1::Channel::Push as i32,
        hook_version: "at once".into(),
        host: "localhost".into(),
        pull_request: None,
    };
    let lease = token.map(|token| v1::ShownLease { tokens: vec![token] });
    steps.send(v1::AuthorizeRequest { step: Some(Step::Opening(opening)), lease }).unwrap();
    let mut client = AuthorizerClient::new(channel);
    let sent = tokio_stream::wrappers::UnboundedReceiverStream::new(sent);
    let call = tokio::spawn(async move { client.authorize(sent).await });
    begun.wait().await;
    let change = Some(Change::Create(v1::ref_update::Create { new: vec![2; 20] }));
    let updates = vec![v1::RefUpdate { name: b"refs/tags/r1".to_vec(), change }];
    let updates = Step::Updates(v1::RefUpdates { updates, last: true });
    steps.send(v1::AuthorizeRequest { step: Some(updates), lease: None }).unwrap();
    let mut answers = call.await.unwrap().expect("the daemon takes the call").into_inner();
    let message = answers.message().await.expect("the daemon answers").expect("it ends with a decision");
    match message.step {
        Some(Answer::Decision(decision)) => decision.outcome(),
        other => panic!("{other:?}"),
    }
}

/// How many of a hundred were permitted, and how many refused.
fn at_once(world: &World, token: Option<&[u8]>) -> (usize, usize) {
    Runtime::new().unwrap().block_on(async {
        let endpoint = Endpoint::from_shared(format!("unix://{}", world.daemon.hook_socket().display()));
        let endpoint = endpoint.unwrap();
        let begun = Arc::new(Barrier::new(COUNT));
        let mut talks = Vec::new();
        for _ in 0..COUNT {
            // Each hook has a connection of its own.
            let channel = endpoint.connect().await.unwrap();
            let token = token.map(<[u8]>::to_vec);
            talks.push(tokio::spawn(converse(channel, Arc::clone(&begun), token)));
        }
        let (mut permitted, mut refused) = (0, 0);
        for talk in talks {
            match talk.await.unwrap() {
                v1::Outcome::Permitted => permitted += 1,
                v1::Outcome::Refused => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        (permitted, refused)
    })
}

#[test]
fn of_a_hundred_conversations_at_once_one_takes_the_lease() {
    let world = World::start();
    let place = ["--repo", "DEMO/app", "--ref", "refs/tags/r1"];
    // Found by the account, as on Bitbucket…
    world.leased(&place);
    assert_eq!(at_once(&world, None), (1, COUNT - 1));
    // …and shown, as on a plain git server.
    let option =
        world.lease_as(&world.token("74"), &[&["ci", "lease", "--push-option"], &place[..]].concat());
    let option = option.expect_success("oam ci lease").stdout_text();
    let token = option.trim().strip_prefix("oam-lease=").unwrap();
    assert_eq!(at_once(&world, None), (0, COUNT), "one that must be shown is not found");
    assert_eq!(at_once(&world, Some(token.as_bytes())), (1, COUNT - 1));
    let events = world.events();
    let used = events.iter().filter(|event| matches!(event, Event::PrivilegeUsed(_)));
    let permitted = events
        .iter()
        .filter(|event| matches!(event, Event::Decision(one) if one.outcome == Outcome::Permitted));
    assert_eq!((used.count(), permitted.count()), (2, 2));
}
