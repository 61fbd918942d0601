use std::{
    fs,
    io::{self, Read},
    os::unix::fs::{MetadataExt as _, symlink},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, FileType, Mode};

use super::{FilesError, MAX_ENTRIES, Mark, look, must_be_regular, open, read, read_file, up_to_one_more};

const ENOUGH: u64 = 1 << 20;

fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    folder
}

fn pipe(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

fn names(place: &Path) -> Vec<String> {
    read(place, ENOUGH).unwrap().into_iter().map(|file| file.name).collect()
}

/// The path that is refused, and why.
fn refused(place: &Path) -> (PathBuf, String) {
    let FilesError { path, what } = read(place, ENOUGH).unwrap_err();
    if let Ok(seen) = look(place) {
        assert!(
            seen.iter().any(|(seen, _)| *seen == path),
            "whoever follows the folder sees when it is mended"
        );
    }
    (path, what.to_string())
}

#[test]
fn a_folder_is_its_toml_files_in_order() {
    let files = ["b.toml", "a.toml", "C.TOML", ".a.toml.swp", ".x.toml", "a.toml~", "README.md"];
    let folder = folder(&files);
    let path = folder.path();
    assert_eq!(names(path), ["C.TOML", "a.toml", "b.toml"]);
    assert_eq!(names(&path.join("b.toml")), ["b.toml"]);
    assert_eq!(names(&path.join("README.md")), ["README.md"], "who names a file means it");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(refused(empty.path()).1, "there is no `*.toml` file in it");
}

/// A block that is passed over lets pushes in.
#[test]
fn what_bears_the_name_and_is_no_file_is_told() {
    for (name, why) in
        [("z.toml", "a folder"), ("Z.TOML", "a pipe"), ("l.toml", "a pipe"), ("g.toml", "No such")]
    {
        let folder = folder(&["a.toml"]);
        let path = folder.path().join(name);
        match name {
            "z.toml" => fs::create_dir(&path).unwrap(),
            "Z.TOML" => pipe(&path),
            "l.toml" => {
                pipe(&folder.path().join("elsewhere"));
                symlink("elsewhere", &path).unwrap();
            }
            _ => symlink("gone", &path).unwrap(),
        }
        let (told, what) = refused(folder.path());
        assert!(told == path && what.contains(why), "{name}: {told:?} {what}");
    }
}

#[test]
fn what_never_ends_is_not_begun() {
    let folder = folder(&[]);
    let path = folder.path().join("pipe");
    pipe(&path);
    for (path, why) in [(path.as_path(), "it is a pipe"), (Path::new("/dev/zero"), "it is a device")] {
        assert!(read_file(path, ENOUGH).unwrap_err().what.to_string().contains(why));
        assert!(refused(path).1.contains(why));
    }
    // It tells no length, and is a regular file.
    let endless = Path::new("/proc/self/mountinfo");
    assert!(read_file(endless, 1).unwrap_err().to_string().contains("more than 1 bytes"));
}

#[test]
fn what_lies_deeper_is_told() {
    for deep in ["fp/blocks/freeze.toml", "fp/freeze.TOML"] {
        let folder = folder(&["a.toml", "docs/a.md", deep]);
        let (told, what) = refused(folder.path());
        assert!(told == folder.path().join(deep) && what.contains("subfolder"), "{told:?} {what}");
    }
    // Also by a link.
    let (one, other) = (folder(&["a.toml"]), folder(&["freeze.toml"]));
    symlink(other.path(), one.path().join("fp")).unwrap();
    assert_eq!(refused(one.path()).0, one.path().join("fp/freeze.toml"));
    // What is hidden, or holds none, is nobody's policy; and a circle ends.
    let folder =
        folder(&["a.toml", "docs/a.md", ".git/a.toml", "docs/.vim/b.toml", "lost+found/a.toml", ".b.toml/x"]);
    symlink(".", folder.path().join("again")).unwrap();
    symlink("..", folder.path().join("docs/up")).unwrap();
    assert_eq!(names(folder.path()), ["a.toml"]);
}

#[test]
fn a_folder_of_everything_is_refused() {
    let folder = folder(&["a.toml"]);
    for number in 0..=MAX_ENTRIES {
        fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    assert!(refused(folder.path()).1.contains("a folder of their own"));
}

/// Kubernetes' way: each file leads through a hidden link, which is swapped.
#[test]
fn a_configuration_map_is_read_and_its_swap_is_seen() {
    let folder = folder(&["..one/a.toml", "..two/a.toml"]);
    let path = folder.path();
    symlink("..one", path.join("..data")).unwrap();
    symlink("..data/a.toml", path.join("a.toml")).unwrap();
    assert_eq!(read(path, ENOUGH).unwrap()[0].text, "..one/a.toml");
    let before = look(path);
    symlink("..two", path.join("..new")).unwrap();
    fs::rename(path.join("..new"), path.join("..data")).unwrap();
    assert_ne!(look(path), before);
    assert_eq!(read(path, ENOUGH).unwrap()[0].text, "..two/a.toml");
}

#[test]
fn no_more_is_read_than_there_is_room_for() {
    let folder = folder(&["a.toml", "b.toml"]);
    assert_eq!(read(folder.path(), 12).unwrap().len(), 2);
    let error = read(folder.path(), 11).unwrap_err();
    assert_eq!(
        (error.path.as_path(), error.what.to_string().as_str()),
        (folder.path(), "it has more than 11 bytes")
    );
    assert_eq!(read_file(&folder.path().join("a.toml"), 6).unwrap(), "a.toml");
    assert!(read_file(&folder.path().join("a.toml"), 5).is_err());
}

#[test]
fn what_is_no_text_is_told_with_its_place() {
    let folder = folder(&[]);
    let path = folder.path().join("a.toml");
    for (bytes, place) in [
        (b"\xff".as_slice(), "line 1, column 1"),
        (b"version = 1\n# f\xc3\xbcr M\xfcller".as_slice(), "line 2, column 8"),
        (b"a\n\xc3".as_slice(), "line 2, column 1"),
    ] {
        fs::write(&path, bytes).unwrap();
        let (told, what) = refused(folder.path());
        assert!(told == path && what.contains("not UTF-8") && what.ends_with(place), "{what}");
    }
}

/// `cp -p`, `rsync -t` and `tar` keep times, and a rule that was switched may be as long as it was.
#[test]
fn another_file_of_the_same_length_and_time_is_seen() {
    let folder = folder(&["a.toml", "elsewhere"]);
    let (path, elsewhere) = (folder.path().join("a.toml"), folder.path().join("elsewhere"));
    let write = |path: &Path, text: &str| {
        fs::write(path, text).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    write(&path, "one");
    let before = look(folder.path());
    assert_eq!(look(folder.path()), before);
    write(&elsewhere, "two");
    fs::rename(&elsewhere, &path).unwrap();
    let replaced = look(folder.path());
    assert_ne!(replaced, before, "by the time of its change, or by its inode");
    // Clocks of file systems go in steps of some milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(50));
    write(&path, "six");
    assert_ne!(look(folder.path()), replaced, "by the time of its change");
    assert_ne!(Mark::of(&path), None);
    fs::remove_file(&path).unwrap();
    assert_eq!(Mark::of(&path), None);
}

#[test]
fn what_is_wrong_with_a_folder_is_seen_when_it_comes_and_goes() {
    let folder = folder(&["a.toml"]);
    let before = look(folder.path());
    fs::create_dir(folder.path().join("fp")).unwrap();
    assert_eq!(look(folder.path()), before);
    fs::write(folder.path().join("fp/b.toml"), "").unwrap();
    assert!(look(folder.path()).unwrap_err().contains("subfolder"));
    fs::remove_file(folder.path().join("fp/b.toml")).unwrap();
    assert_eq!(look(folder.path()), before);
}

/// A link that leads to another file, which is as long and as old in every way.
#[test]
fn another_file_is_seen_by_its_inode() {
    let folder = folder(&[]);
    // Both are made within one step of the file system's clock, sooner or later.
    let [one, other] = (0..10_000)
        .find_map(|number| {
            let both = ["a", "b"].map(|name| folder.path().join(format!("{name}{number}")));
            both.iter().for_each(|path| {
                fs::write(path, "one").unwrap();
                let file = fs::File::options().write(true).open(path).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            });
            let changed = |path: &Path| {
                let found = fs::metadata(path).unwrap();
                (found.ctime(), found.ctime_nsec())
            };
            (changed(&both[0]) == changed(&both[1])).then_some(both)
        })
        .expect("no two files were made at the same time");
    let link = folder.path().join("link");
    symlink(&one, &link).unwrap();
    let before = Mark::of(&link);
    fs::remove_file(&link).unwrap();
    symlink(&other, &link).unwrap();
    assert_ne!(Mark::of(&link), before);
}

/// Tells how much was read of it.
struct Counted(u64);

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // It ends, so that who reads all of it fails soon.
        let some = if self.0 < 1 << 20 { into.len() } else { 0 };
        self.0 += some as u64;
        Ok(some)
    }
}

#[test]
fn of_what_is_too_long_one_byte_more_is_read() {
    let mut long = Counted(0);
    assert_eq!((up_to_one_more(&mut long, 5).unwrap().len(), long.0), (6, 6));
}

/// It was a file when it was looked at.
#[test]
fn what_became_a_pipe_is_opened_without_waiting() {
    let folder = folder(&[]);
    let path = folder.path().join("pipe");
    pipe(&path);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(open(&path)));
    let file = told.recv_timeout(Duration::from_secs(30)).expect("it waits for a writer").unwrap();
    assert!(must_be_regular(&file.metadata().unwrap()).is_err());
}
