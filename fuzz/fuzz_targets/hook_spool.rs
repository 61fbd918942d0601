//! A record in the hook's spool: it is delivered or set aside, and never lost.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use oam_fuzz::{assert_plain, scratch};
use oam_hook::spool;
use oam_proto::v1::SpooledPush;
use prost::Message as _;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Endpoint;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| scratch("hook_spool"));
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

fuzz_target!(|data: &[u8]| {
    let (record, bad) = (FOLDER.join("a.push"), FOLDER.join("a.bad"));
    let _ = fs::remove_file(&bad);
    fs::write(&record, data).unwrap();
    let decoded = SpooledPush::decode(data).ok();
    if let Some(push) = &decoded {
        assert_eq!(SpooledPush::decode(&*push.encode_to_vec()).as_ref(), Ok(push));
    }
    let waiting = spool::waiting(&FOLDER).unwrap();
    assert_eq!(waiting, [record.clone()]);
    let delivered = RUNTIME.block_on(async {
        // Nobody listens there.
        spool::deliver(Endpoint::from_static("http://127.0.0.1:1").connect_lazy(), &waiting).await
    });
    let kept = match delivered {
        Ok(delivered) => {
            assert!(decoded.is_none() && delivered.sent == 0 && delivered.set_aside == 1);
            bad
        }
        Err(error) => {
            assert!(decoded.is_some());
            assert_plain(&error.to_string());
            record
        }
    };
    assert_eq!(fs::read(kept).unwrap(), data);
});
