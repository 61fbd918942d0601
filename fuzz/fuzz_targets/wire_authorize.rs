//! What a hook sends to the daemon: every conversion gives a value that says the same again, or names a field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_policy::{
    Repository, Username,
    facts::{Cover, FactsNeeded, HistoryNeeded, HistoryPart, SignatureState},
};
use oam_proto::{
    Asked, channel_from_wire, channel_to_wire, facts_from_wire, merging_from_wire, merging_to_wire,
    update_from_wire, update_to_wire,
    v1::{AuthorizeRequest, authorize_request::Step},
};
use prost::Message as _;

fuzz_target!(|data: &[u8]| {
    let Ok(request) = AuthorizeRequest::decode(data) else { return };
    if let Some(lease) = &request.lease {
        assert!(format!("{lease:?}").chars().all(|sign| "[*, ]".contains(sign)), "{lease:?}");
    }
    match request.step {
        Some(Step::Opening(opening)) => {
            let _ = (Repository::parse(&opening.repository), Username::parse(&opening.pusher));
            match channel_from_wire(opening.channel) {
                Ok(channel) => assert_eq!(channel_to_wire(channel) as i32, opening.channel),
                Err(error) => assert_plain(&error.to_string()),
            }
            if let Some(message) = opening.pull_request {
                match merging_from_wire(&message) {
                    Ok(merging) => assert_eq!(merging_to_wire(&merging), message),
                    Err(error) => assert_plain(&error.to_string()),
                }
            }
        }
        Some(Step::Updates(batch)) => {
            for message in batch.updates {
                match update_from_wire(message.clone()) {
                    Ok(update) => assert_eq!(update_to_wire(&update), message),
                    Err(error) => assert_plain(&error.to_string()),
                }
            }
        }
        Some(Step::Facts(batch)) => {
            let history = |update, part| HistoryNeeded { update, cover: Cover::whatever(), part };
            let histories = vec![
                history(0, HistoryPart::Paths),
                history(1, HistoryPart::Files),
                history(1, HistoryPart::Signatures),
            ];
            let needed = FactsNeeded { ancestry: vec![0, 2, 3], histories, ..FactsNeeded::default() };
            let (asked, _) = Asked::of(&needed);
            match facts_from_wire(batch, &asked, |_| Ok(SignatureState::Absent)) {
                Err(error) => assert_plain(&error.to_string()),
                Ok(told) => {
                    assert!(told.ancestry.iter().all(|(index, _)| [0, 2, 3].contains(index)), "nobody asked");
                    assert!(told.histories.iter().all(|one| one.history < 2), "nobody asked");
                    let of_first = told.histories.iter().filter(|one| one.history == 0);
                    assert!(of_first.flat_map(|one| &one.news.commits).next().is_none(), "nobody asked");
                }
            }
        }
        None => {}
    }
});
