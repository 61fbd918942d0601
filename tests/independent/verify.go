// Checks an audit log of Bitbucket OAM with nothing of ours: Go's sumdb/note and sumdb/tlog, which know neither our
// entries nor our journal. It reads the files that C2SP tlog-tiles describes.
//
//	verify log DIR KEY [KEPT-CHECKPOINT]
//	verify proof FILE KEY
//
// Exit code 0: in order. 1: not in order, and why.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// checkpoint opens a signed note and reads the three lines of a tree head.
func checkpoint(text []byte, key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("not a size: %q", lines[1])
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
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

// bundle gives the entries of a bundle.
func bundle(dir string, index, count int64) ([][]byte, error) {
	tile := tlog.Tile{H: 8, L: 0, N: index, W: int(count)}
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := read(dir, path, 0)
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
	tree, err := checkpoint(text, key)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles(dir))
	var computed stored
	for first := int64(0); first < tree.N; first += width {
		count := tree.N - first
		if count > width {
			count = width
		}
		entries, err := bundle(dir, first/width, count)
		if err != nil {
			return err
		}
		var indexes []int64
		for i := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(i)))
		}
		leaves, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			hash := tlog.RecordHash(entry)
			if hash != leaves[i] {
				return fmt.Errorf("entry %d is not the one that was signed", first+int64(i))
			}
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
	if kept != "" {
		if err := verifyKept(tree, reader, key, kept); err != nil {
			return err
		}
	}
	fmt.Printf("in order: %d entries, root %v\n", tree.N, tree.Hash)
	return nil
}

// verifyKept checks, with a proof of consistency, that the log continues a checkpoint that was kept.
func verifyKept(tree tlog.Tree, reader tlog.HashReader, key, kept string) error {
	text, err := os.ReadFile(kept)
	if err != nil {
		return err
	}
	old, err := checkpoint(text, key)
	if err != nil {
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
