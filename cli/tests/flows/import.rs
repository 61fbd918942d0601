use oam_cli::exit::Exit;

use super::{Daemon, Scene, oam};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_file_arrives_whole_and_in_chunks() {
    let scene = Scene::start(Daemon::default());
    let bytes: Vec<u8> = (0..=250).cycle().take(2 * MIB + 7).collect();
    let file = scene.write("users.json", &bytes);
    let ended = scene.oam(&["snapshot", "import", &file, "--reason", "CHG-7"]).await.with(Exit::Ok);
    let chunks = scene.daemon.imported();
    assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [MIB, MIB, 7]);
    assert_eq!(chunks.concat(), bytes);
    let opening = &scene.daemon.asked()[0];
    assert!(opening.contains("CHG-7") && opening.contains("users.json"), "{opening}");
    assert!(opening.contains(&format!("total_bytes: {}", bytes.len())), "{opening}");
    assert!(ended.out.contains("generation 13") && ended.out.contains("2 added"), "{ended:#?}");
    assert_eq!(ended.err, "", "no bar where nobody watches");
}

#[tokio::test]
async fn faults_are_a_no() {
    let scene = Scene::start(Daemon::default());
    let file = scene.write("users.json", "bad");
    let ended = scene.oam(&["snapshot", "import", &file]).await.with(Exit::No);
    assert!(ended.out.contains("it is wrong") && ended.out.contains("nothing was changed"), "{ended:#?}");
    let json = scene.oam(&["--json", "snapshot", "import", &file]).await.with(Exit::No).json();
    assert_eq!((json["imported"].as_bool(), json["faults_total"].as_u64()), (Some(false), Some(1)));
}

#[tokio::test]
async fn standard_input_and_dry_run() {
    let scene = Scene::start(Daemon::default());
    let arguments = ["snapshot", "import", "-", "--dry-run", "--json"];
    let json = oam(scene.folder.path(), &arguments, b"{}").await.with(Exit::Ok).json();
    assert_eq!(scene.daemon.imported().concat(), b"{}");
    assert_eq!((json["imported"].as_bool(), json["dry_run"].as_bool()), (Some(false), Some(true)));
    assert!(scene.daemon.asked()[0].contains("dry_run: true"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_imported() {
    let scene = Scene::start(Daemon::default());
    for file in ["missing.json", "."] {
        let ended = scene.oam(&["snapshot", "import", file]).await.with(Exit::Usage);
        assert!(ended.err.contains("cannot read"), "{ended:#?}");
    }
    // It opens and has a size, but reading fails: a complete file must not be made of that.
    scene.oam(&["snapshot", "import", "/proc/self/mem"]).await.with(Exit::Usage);
    assert_eq!(scene.daemon.imported(), Vec::<Vec<u8>>::new());
}
