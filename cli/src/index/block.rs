//! One file of an index: where the entries of a block say what.
//!
//! ```text
//! head     the magic line, the root over the block, for each of its 256 bundles the earliest and the latest time,
//!          how many records there are, the first term of each page, a checksum
//! pages    up to 512 records each, and a checksum
//! ```
//!
//! A record is a term ([`crate::query::facet::Facet::term`]) and the place of an entry in the block, in order. So a
//! search reads the head and the pages with its terms. Checksums tell what was torn or has rotted.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::{Range, RangeInclusive},
    path::Path,
};

use oam_audit::{merkle::TreeHash, tile::WIDTH};
use sha2::{Digest as _, Sha256};

use super::BUNDLES;
use crate::query::Filter;

const MAGIC: &[u8] = b"oam audit index 1\n";
/// A term and a place.
const RECORD: usize = 8 + 2;
const RECORDS_PER_PAGE: usize = 512;
const SUM: usize = 8;
/// Without the terms of the pages and the checksum.
const FIXED: usize = MAGIC.len() + 32 + BUNDLES * 16 + 4;

/// The earliest and the latest time of some entries, in microseconds.
pub(super) type Span = (i64, i64);

/// Of a bundle of which nothing is known.
pub(super) const NOTHING: Span = (i64::MAX, i64::MIN);

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Of each bundle.
    pub(super) spans: Vec<Span>,
    /// Terms and places.
    pub(super) records: Vec<(u64, u16)>,
}

/// A file that was opened, and whose head is in order.
#[derive(Debug)]
pub(super) struct Block {
    file: File,
    root: [u8; 32],
    spans: Vec<Span>,
    records: usize,
    /// The first term of each page.
    terms: Vec<u64>,
}

impl Content {
    /// The bytes of a file.
    pub(super) fn encode(mut self, root: &TreeHash) -> Vec<u8> {
        self.records.sort_unstable();
        self.records.dedup();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(root.as_bytes());
        self.spans.resize(BUNDLES, NOTHING);
        for (earliest, latest) in &self.spans {
            bytes.extend(earliest.to_be_bytes());
            bytes.extend(latest.to_be_bytes());
        }
        bytes.extend(u32::try_from(self.records.len()).unwrap_or(u32::MAX).to_be_bytes());
        let pages = self.records.chunks(RECORDS_PER_PAGE);
        pages.clone().filter_map(|page| page.first()).for_each(|(term, _)| bytes.extend(term.to_be_bytes()));
        let sum = checksum(&bytes);
        bytes.extend(sum);
        for page in pages {
            let page: Vec<u8> = page
                .iter()
                .flat_map(|(term, place)| term.to_be_bytes().into_iter().chain(place.to_be_bytes()))
                .collect();
            bytes.extend(&page);
            bytes.extend(checksum(&page));
        }
        bytes
    }
}

impl Block {
    /// Opens a file and reads its head.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut head = vec![0; FIXED];
        file.read_exact(&mut head)?;
        let mut rest = head.strip_prefix(MAGIC).ok_or(io::ErrorKind::InvalidData)?;
        let root = take::<32>(&mut rest)?;
        let mut spans = Vec::with_capacity(BUNDLES);
        for _ in 0..BUNDLES {
            spans.push((i64::from_be_bytes(take(&mut rest)?), i64::from_be_bytes(take(&mut rest)?)));
        }
        let records = usize::try_from(u32::from_be_bytes(take(&mut rest)?)).map_err(io::Error::other)?;
        let pages = records.div_ceil(RECORDS_PER_PAGE);
        let length = FIXED + pages * (8 + SUM) + SUM + records * RECORD;
        if file.metadata()?.len() != length as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.resize(FIXED + pages * 8, 0);
        file.read_exact(head.get_mut(FIXED..).unwrap_or_default())?;
        let mut sum = [0; SUM];
        file.read_exact(&mut sum)?;
        if sum != checksum(&head) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut rest = head.get(FIXED..).unwrap_or_default();
        let terms =
            (0..pages).map(|_| Ok(u64::from_be_bytes(take(&mut rest)?))).collect::<io::Result<_>>()?;
        Ok(Self { file, root, spans, records, terms })
    }

    /// Whether it was made of the entries with that root.
    pub(super) fn is_of(&self, root: &TreeHash) -> bool {
        self.root == *root.as_bytes()
    }

    /// How many of its first bundles it tells nothing of: they were gone when it was made.
    pub(super) fn untold(&self) -> usize {
        self.spans.iter().take_while(|(earliest, latest)| earliest > latest).count()
    }

    /// The places of the entries that may be wanted, in order.
    pub(super) fn find(&mut self, filter: &Filter) -> io::Result<Vec<Range<u64>>> {
        let mut places: Option<Vec<u16>> = None;
        for any in filter.terms() {
            let found = self.places_of_any(&any)?;
            places = Some(match places {
                None => found,
                Some(mut places) => {
                    places.retain(|place| found.binary_search(place).is_ok());
                    places
                }
            });
            if places.as_ref().is_some_and(Vec::is_empty) {
                return Ok(Vec::new());
            }
        }
        let reaches = |bundle: usize| {
            self.spans.get(bundle).is_some_and(|(earliest, latest)| filter.reaches(*earliest, *latest))
        };
        Ok(match places {
            Some(places) => places
                .into_iter()
                .map(u64::from)
                .filter(|place| reaches(usize::try_from(place / WIDTH).unwrap_or(usize::MAX)))
                .map(|place| place..place + 1)
                .collect(),
            None => (0..BUNDLES)
                .filter(|bundle| reaches(*bundle))
                .map(|bundle| bundle as u64 * WIDTH..(bundle as u64 + 1) * WIDTH)
                .collect(),
        })
    }

    fn places_of_any(&mut self, any: &[RangeInclusive<u64>]) -> io::Result<Vec<u16>> {
        let mut places = Vec::new();
        for terms in any {
            places.extend(self.places(terms)?);
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// Where these terms are, in order, each once.
    fn places(&mut self, terms: &RangeInclusive<u64>) -> io::Result<Vec<u16>> {
        // The page before the first that begins with such a term may end with some.
        let first = self.terms.partition_point(|term| term < terms.start()).saturating_sub(1);
        let mut places = Vec::new();
        for page in first..self.terms.len() {
            if self.terms.get(page).is_none_or(|term| term > terms.end()) {
                break;
            }
            let mut records = self.page(page)?;
            records.retain(|(term, _)| terms.contains(term));
            places.extend(records.into_iter().map(|(_, place)| place));
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    fn page(&mut self, page: usize) -> io::Result<Vec<(u64, u16)>> {
        let records = RECORDS_PER_PAGE.min(self.records.saturating_sub(page * RECORDS_PER_PAGE));
        let start = FIXED + self.terms.len() * 8 + SUM + page * (RECORDS_PER_PAGE * RECORD + SUM);
        self.file.seek(SeekFrom::Start(start as u64))?;
        let mut bytes = vec![0; records * RECORD + SUM];
        self.file.read_exact(&mut bytes)?;
        let (content, sum) = bytes.split_at_checked(records * RECORD).ok_or(io::ErrorKind::InvalidData)?;
        if sum != checksum(content) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (chunks, _) = content.as_chunks::<RECORD>();
        chunks
            .iter()
            .map(|record| {
                let mut rest = record.as_slice();
                Ok((u64::from_be_bytes(take(&mut rest)?), u16::from_be_bytes(take(&mut rest)?)))
            })
            .collect()
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> io::Result<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(io::ErrorKind::UnexpectedEof)?;
    *rest = left;
    Ok(*taken)
}

fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let digest = Sha256::digest(bytes);
    digest.first_chunk::<SUM>().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oam_audit::{entry::Outcome, merkle::TreeHash};

    use super::{Block, Content};
    use crate::query::{Filter, facet::Facet};

    fn content() -> Content {
        let mut content =
            Content { spans: (0..256).map(|n| (n * 1000, n * 1000 + 999)).collect(), records: Vec::new() };
        for place in 0..60_000_u16 {
            let user = format!("user{}", place % 97);
            content.records.extend([
                (Facet::User(&user).term().unwrap(), place),
                (Facet::Rule(&format!("rule{}", place % 5)).term().unwrap(), place),
            ]);
        }
        content
    }

    fn filter() -> Filter {
        Filter { user: Some("user7".into()), rule: Some("rule2".into()), ..Filter::default() }
    }

    fn places(block: &mut Block, filter: &Filter) -> std::io::Result<Vec<u64>> {
        Ok(block.find(filter)?.into_iter().flatten().collect())
    }

    #[test]
    fn all_that_was_asked_for_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block");
        fs::write(&path, content().encode(&TreeHash::empty())).unwrap();
        let mut block = Block::open(&path).unwrap();
        let expected: Vec<u64> = (0..60_000).filter(|place| place % 97 == 7 && place % 5 == 2).collect();
        assert!(expected.len() > 100);
        assert_eq!(places(&mut block, &filter()).unwrap(), expected);
        // What nearly every entry says is looked at in the entries.
        let permitted = Filter { outcome: Some(Outcome::Permitted), ..filter() };
        assert_eq!(places(&mut block, &permitted).unwrap(), expected);
        assert_eq!(
            places(&mut block, &Filter { outcome: Some(Outcome::Refused), ..filter() }).unwrap(),
            [0; 0]
        );
        let since = Some(jiff::Timestamp::from_microsecond(100_500).unwrap());
        let later = Filter { since, ..Filter::default() };
        assert_eq!(places(&mut block, &later).unwrap().first(), Some(&(100 * 256)));
    }

    /// Whatever is changed in a file, what is found is right or nothing is.
    #[test]
    fn a_file_that_is_not_whole_does_not_serve() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block");
        let whole = content().encode(&TreeHash::empty());
        fs::write(&path, &whole).unwrap();
        let right = places(&mut Block::open(&path).unwrap(), &filter()).unwrap();
        let mut failed = 0;
        let mut lies: Vec<Vec<u8>> =
            vec![Vec::new(), whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat()];
        for at in (0..whole.len()).step_by(997) {
            let mut lie = whole.clone();
            lie[at] ^= 0x10;
            lies.push(lie);
        }
        for lie in lies {
            fs::write(&path, &lie).unwrap();
            match Block::open(&path).and_then(|mut block| places(&mut block, &filter())) {
                Err(_) => failed += 1,
                Ok(found) => assert_eq!(found, right),
            }
        }
        assert!(failed > 20, "{failed}");
    }
}
