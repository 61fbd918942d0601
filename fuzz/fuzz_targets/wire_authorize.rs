//! What a hook sends to the daemon: every conversion gives a value that says the same again, or names a field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_policy::{
    Repository, Username,
    facts::{Facts, FactsNeeded},
};
use oam_proto::{
    channel_from_wire, channel_to_wire, facts_from_wire, update_from_wire, update_to_wire,
    v1::{AuthorizeRequest, authorize_request::Step},
};
use prost::Message as _;

fuzz_target!(|data: &[u8]| {
    let Ok(request) = AuthorizeRequest::decode(data) else { return };
    match request.step {
        Some(Step::Opening(opening)) => {
            let _ = (Repository::parse(&opening.repository), Username::parse(&opening.pusher));
            match channel_from_wire(opening.channel) {
                Ok(channel) => assert_eq!(channel_to_wire(channel) as i32, opening.channel),
                Err(error) => assert_plain(&error.to_string()),
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
            let needed = FactsNeeded { ancestry: vec![0, 2, 3] };
            let mut facts = Facts::none();
            if let Err(error) = facts_from_wire(&mut facts, batch, &needed) {
                assert_plain(&error.to_string());
            }
            assert!([1, 4, 5].into_iter().all(|index| facts.ancestry(index).is_none()), "nobody asked");
        }
        None => {}
    }
});
