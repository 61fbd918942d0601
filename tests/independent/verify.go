// Checks an audit log of Bitbucket OAM with nothing of ours: Go's sumdb/note and sumdb/tlog, which know neither our
// entries nor our journal. Of entries it reads those that rotate the key
// or announce that old ones are removed. It reads the files that C2SP tlog-tiles describes.
//
//	verify log DIR KEY [KEPT-CHECKPOINT]
//	verify proof FILE KEY
//
// Exit code 0: in order. 1: not in order, and why.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "log":
		return verifyLog(args[1], args[2], "")
	case len(args) == 4 && args[0] == "log":
		return verifyLog(args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "proof":
		return verifyProof(args[1], args[2])
	}
	return errors.New("usage: verify log DIR KEY [KEPT-CHECKPOINT] | verify proof FILE KEY")
}

// claimed reads the three lines of a tree head, and does not look who signed them.
func claimed(text []byte) (name string, tree tlog.Tree, err error) {
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(text, note.VerifierList()); !errors.As(err, &unverified) {
		return "", tlog.Tree{}, fmt.Errorf("not a signed note: %v", err)
	}
	lines := strings.Split(unverified.Note.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tlog.Tree{}, fmt.Errorf("not a checkpoint: %q", unverified.Note.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return "", tlog.Tree{}, fmt.Errorf("not a size: %q", lines[1])
	}
	hash, err := tlog.ParseHash(lines[2])
	return lines[0], tlog.Tree{N: size, Hash: hash}, err
}

// opened gives the text of a note that all these keys, of one log, have signed.
func opened(text []byte, keys ...string) (string, error) {
	var said string
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return "", err
		}
		signed, err := note.Open(text, note.VerifierList(verifier))
		if err != nil {
			return "", err
		}
		said = signed.Text
	}
	return said, nil
}

// checkpoint reads a tree head that the key has signed for its own log.
func checkpoint(text []byte, key string) (tlog.Tree, error) {
	name, tree, err := claimed(text)
	if err != nil {
		return tlog.Tree{}, err
	}
	if _, err := opened(text, key); err != nil {
		return tlog.Tree{}, err
	}
	if !strings.HasPrefix(key, name+"+") {
		return tlog.Tree{}, fmt.Errorf("a checkpoint of %s, and a key of another log", name)
	}
	return tree, nil
}

// keys are those of a log as it names them itself: each signs checkpoints of at least so many entries.
type keys []inForce

type inForce struct {
	from int64
	key  string
}

// told is what the entries of a log say that were signed and that are about the log itself.
type told struct {
	// Entries below this number may be gone, with what rotations among them.
	before    int64
	rotations map[int64]rotation
}

type rotation struct{ Previous, Next, Note string }

// prune takes note of an entry that says that old entries are removed.
func (told *told) prune(entry []byte, index int64) {
	var said struct {
		Event struct {
			Kind      string
			Before    int64
			Rotations []struct {
				Seq      int64
				Rotation rotation
			}
		}
	}
	if err := json.Unmarshal(entry, &said); err != nil || said.Event.Kind != "entries-pruned" {
		return
	}
	if said.Event.Before <= index && said.Event.Before > told.before {
		told.before = said.Event.Before
	}
	for _, one := range said.Event.Rotations {
		told.rotations[one.Seq] = one.Rotation
	}
}

// rotate takes note of an entry that says that another key signs from there on.
func (told *told) rotate(entry []byte, index int64) {
	var said struct {
		Event struct {
			Kind string
			rotation
		}
	}
	if err := json.Unmarshal(entry, &said); err == nil && said.Event.Kind == "key-rotated" {
		told.rotations[index] = said.Event.rotation
	}
}

// chain gives the keys of a log, as they follow each other: both must have signed where that stands.
func (told *told) chain(name string, hashes tlog.HashReader) (keys, error) {
	var indexes []int64
	for index := range told.rotations {
		indexes = append(indexes, index)
	}
	sort.Slice(indexes, func(i, j int) bool { return indexes[i] < indexes[j] })
	var chain keys
	for _, index := range indexes {
		said := told.rotations[index]
		root, err := tlog.TreeHash(index, hashes)
		if err != nil {
			return nil, err
		}
		text, err := opened([]byte(said.Note), said.Previous, said.Next)
		if err != nil {
			return nil, fmt.Errorf("entry %d rotates the key: %v", index, err)
		}
		if text != fmt.Sprintf("oam.audit/key-rotation/v1\n%s\n%d\n%v\n%s\n", name, index, root, said.Next) {
			return nil, fmt.Errorf("entry %d rotates the key, and the keys signed %q", index, text)
		}
		if len(chain) == 0 {
			chain = keys{{0, said.Previous}}
		}
		if last := chain[len(chain)-1].key; last != said.Previous {
			return nil, fmt.Errorf("entry %d rotates the key %s, and it was %s", index, said.Previous, last)
		}
		for _, one := range chain {
			if one.key == said.Next {
				return nil, fmt.Errorf("entry %d rotates to a key that was given up", index)
			}
		}
		chain = append(chain, inForce{index + 1, said.Next})
	}
	return chain, nil
}

// verify checks that the key of its time has signed a checkpoint. One that ends with a rotation may be by either.
func (chain keys) verify(text []byte, tree tlog.Tree) error {
	var err error
	for i := len(chain) - 1; i >= 0; i-- {
		if chain[i].from > tree.N {
			continue
		}
		if _, err = checkpoint(text, chain[i].key); err == nil || chain[i].from != tree.N {
			return err
		}
	}
	return err
}

// tiles reads tiles of hashes from a folder. What it gives is checked against the root by tlog.TileHashReader.
type tiles string

func (dir tiles) Height() int { return 8 }

func (dir tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		// tlog writes the height into the path, tlog-tiles does not.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := read(string(dir), path, tile.W*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// read gives the first bytes of a tile, from its own file or from that of the full tile.
func read(dir, path string, length int) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, path))
	if errors.Is(err, os.ErrNotExist) {
		if at := strings.Index(path, ".p/"); at >= 0 {
			data, err = os.ReadFile(filepath.Join(dir, path[:at]))
			if err == nil && len(data) > length && length > 0 {
				data = data[:length]
			}
		}
	}
	if err == nil && length > 0 && len(data) != length {
		err = fmt.Errorf("%s has %d bytes, not %d", path, len(data), length)
	}
	return data, err
}

// compressed gives what is in a file of entries that was compressed.
func compressed(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(reader, width*(2+1<<16)))
}

// bundle gives the entries of a bundle.
func bundle(dir string, index, count int64) ([][]byte, error) {
	tile := tlog.Tile{H: 8, L: 0, N: index, W: int(count)}
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := read(dir, path, 0)
	if errors.Is(err, os.ErrNotExist) {
		data, err = compressed(filepath.Join(dir, path) + ".gz")
	}
	if err != nil {
		return nil, err
	}
	partial := strings.Contains(path, ".p/")
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is cut off after %d entries", path, len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:end]), data[end:]
	}
	if int64(len(entries)) < count || (!partial && int64(len(entries)) != width) {
		return nil, fmt.Errorf("%s has %d entries", path, len(entries))
	}
	return entries[:count], nil
}

// stored holds the hashes of a tree that is computed anew from the entries.
type stored []tlog.Hash

func (hashes stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(hashes)) {
			return nil, fmt.Errorf("hash %d is not there yet", index)
		}
		found[i] = hashes[index]
	}
	return found, nil
}

func verifyLog(dir, key, kept string) error {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	// Who must have signed it, the entries tell.
	name, tree, err := claimed(text)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles(dir))
	var computed stored
	said := told{rotations: map[int64]rotation{}}
	gone := int64(0)
	for first := int64(0); first < tree.N; first += width {
		count := tree.N - first
		if count > width {
			count = width
		}
		var indexes []int64
		for i := int64(0); i < count; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+i))
		}
		leaves, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		entries, err := bundle(dir, first/width, count)
		if errors.Is(err, os.ErrNotExist) && gone == first && count == width {
			// Whether that is as it should be, later entries tell.
			gone += width
		} else if err != nil {
			return err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return fmt.Errorf("entry %d is not the one that was signed", first+int64(i))
			}
			said.rotate(entry, first+int64(i))
			said.prune(entry, first+int64(i))
		}
		for i, hash := range leaves {
			more, err := tlog.StoredHashesForRecordHash(first+int64(i), hash, computed)
			if err != nil {
				return err
			}
			computed = append(computed, more...)
		}
	}
	if tree.N > 0 {
		root, err := tlog.TreeHash(tree.N, computed)
		if err != nil {
			return err
		}
		if root != tree.Hash {
			return fmt.Errorf("the entries have root %v, and %v was signed", root, tree.Hash)
		}
	}
	if gone > said.before {
		return fmt.Errorf("the first %d entries are gone, and %d of them may be", gone, said.before)
	}
	chain, err := said.chain(name, computed)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		chain = keys{{0, key}}
	}
	known := false
	for _, one := range chain {
		known = known || one.key == key
	}
	if !known {
		return fmt.Errorf("%s is none of the keys of this log", key)
	}
	if err := chain.verify(text, tree); err != nil {
		return err
	}
	if kept != "" {
		if err := verifyKept(tree, reader, chain, kept); err != nil {
			return err
		}
	}
	fmt.Printf("in order: %d entries, root %v\n", tree.N, tree.Hash)
	if gone > 0 {
		fmt.Printf("the first %d are gone, as the log says\n", gone)
	}
	return nil
}

// verifyKept checks, with a proof of consistency, that the log continues a checkpoint that was kept.
func verifyKept(tree tlog.Tree, reader tlog.HashReader, chain keys, kept string) error {
	text, err := os.ReadFile(kept)
	if err != nil {
		return err
	}
	_, old, err := claimed(text)
	if err != nil {
		return err
	}
	if err := chain.verify(text, old); err != nil {
		return err
	}
	if old.N > tree.N {
		return fmt.Errorf("%d entries, and the kept checkpoint signs %d", tree.N, old.N)
	}
	if old.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

func verifyProof(path, key string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, found := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := checkpoint(rest, key)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Printf("in order: entry %d of %d\n", index, tree.N)
	return nil
}
