//! A file of the journal, and the few things that are ever done to it.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::Advice;

/// A file of entries, open for appending.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    #[cfg(test)]
    pub(super) faults: std::sync::Arc<Faults>,
}

impl LogFile {
    /// Creates a file that begins.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::over(OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?))
    }

    /// Opens a file that must be there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::over(OpenOptions::new().read(true).append(true).open(path)?))
    }

    fn over(file: File) -> Self {
        Self {
            file,
            #[cfg(test)]
            faults: std::sync::Arc::default(),
        }
    }

    /// Writes at the end. After an error any part of `bytes` may be there.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        self.faults.write(&mut self.file, bytes)?;
        self.file.write_all(bytes)
    }

    /// Goes on with another file in the place of this one.
    pub(super) fn go_on_with(&mut self, other: Self) {
        self.file = other.file;
    }

    /// The faults of tests, where a file is not appended to but replaced.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests have faults")
    )]
    pub(super) fn faults(&self) -> io::Result<()> {
        #[cfg(test)]
        self.faults.sync()?;
        Ok(())
    }

    /// Makes what was written durable. After an error nothing is known of what the disk holds.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.faults.sync()?;
        self.file.sync_data()
    }

    /// Cuts the file to `length`, durably. It never makes a file longer.
    pub(super) fn cut(&self, length: u64) -> io::Result<()> {
        if self.length()? < length {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "file is shorter than what was stored in it",
            ));
        }
        self.file.set_len(length)?;
        self.sync()
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Reads up to `length` bytes from byte `start` on.
    pub(super) fn reader(&self, start: u64, length: u64) -> io::Result<impl BufRead> {
        // The file is in append mode: writing does not care where reading stands.
        (&self.file).seek(SeekFrom::Start(start))?;
        Ok(BufReader::with_capacity(1 << 18, (&self.file).take(length)))
    }

    /// Asks the kernel to drop its copy, so that what is read next comes from the disk.
    pub(super) fn forget_cache(&self) -> io::Result<()> {
        Ok(rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed)?)
    }
}

/// Faults that a test asks for; each occurs once.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) write: std::sync::atomic::AtomicBool,
    pub(super) sync: std::sync::atomic::AtomicBool,
}

#[cfg(test)]
impl Faults {
    /// A disk that fills up halfway.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if !self.write.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Ok(());
        }
        file.write_all(&bytes[..bytes.len() / 2])?;
        Err(rustix::io::Errno::NOSPC.into())
    }

    fn sync(&self) -> io::Result<()> {
        if self.sync.swap(false, std::sync::atomic::Ordering::SeqCst) {
            Err(rustix::io::Errno::IO.into())
        } else {
            Ok(())
        }
    }
}
