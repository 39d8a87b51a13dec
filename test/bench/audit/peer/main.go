// Another's Merkle log beside ours: golang.org/x/mod/sumdb/tlog, the code of Go's checksum database (RFC 6962), with
// its records and hashes in files. Prints one JSON text. It is a benchmark's peer and no part of the product.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// The text of a record; test/bench/audit/leaves.ts has the same, so both logs have the same root.
func record(seq int64) []byte {
	return []byte(fmt.Sprintf(`{"seq":%d,"event":"%s"}`, seq, strings.Repeat("x", 400)))
}

// Hashes in a file, 32 bytes each, as tlog numbers them.
type store struct {
	file  *os.File
	count int64
	out   *bufio.Writer
	// The newest, which a new record's parents are made of.
	tail map[int64]tlog.Hash
}

func (s *store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if hash, ok := s.tail[index]; ok {
			hashes[i] = hash
			continue
		}
		if _, err := s.file.ReadAt(hashes[i][:], index*int64(tlog.HashSize)); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

func (s *store) add(seq int64, data []byte) {
	hashes, err := tlog.StoredHashes(seq, data, s)
	check(err)
	for _, hash := range hashes {
		s.tail[s.count] = hash
		s.count++
		_, err := s.out.Write(hash[:])
		check(err)
	}
	if len(s.tail) > 1<<16 {
		check(s.out.Flush())
		s.tail = map[int64]tlog.Hash{}
	}
}

func newStore(folder string) *store {
	file, err := os.Create(filepath.Join(folder, "hashes"))
	check(err)
	return &store{file: file, out: bufio.NewWriterSize(file, 1<<20), tail: map[int64]tlog.Hash{}}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return n
}

// Records of so many calls, made durable by one flush a call: the records' file. Hashes follow from it after a crash,
// so they are written and not flushed, which is the least that a log of this kind could do.
func appendRecords(folder string, calls, batch int64) map[string]any {
	hashes := newStore(folder)
	records, err := os.Create(filepath.Join(folder, "records"))
	check(err)
	started := time.Now()
	seq := int64(0)
	for call := int64(0); call < calls; call++ {
		var bytes []byte
		for i := int64(0); i < batch; i++ {
			data := record(seq)
			bytes = append(append(bytes, data...), '\n')
			hashes.add(seq, data)
			seq++
		}
		_, err := records.Write(bytes)
		check(err)
		check(hashes.out.Flush())
		check(records.Sync())
	}
	return map[string]any{"rate": float64(seq) / time.Since(started).Seconds()}
}

// Reads a file of records and makes the whole tree of it, as who holds a copy and a signed root would.
func verify(folder string, entries int64) map[string]any {
	path := filepath.Join(folder, "records")
	file, err := os.Create(path)
	check(err)
	out := bufio.NewWriterSize(file, 1<<20)
	for seq := int64(0); seq < entries; seq++ {
		_, err := out.Write(append(record(seq), '\n'))
		check(err)
	}
	check(out.Flush())
	check(file.Close())
	started := time.Now()
	in, err := os.Open(path)
	check(err)
	lines := bufio.NewScanner(bufio.NewReaderSize(in, 1<<20))
	hashes := newStore(folder)
	seq := int64(0)
	for ; lines.Scan(); seq++ {
		hashes.add(seq, lines.Bytes())
	}
	check(lines.Err())
	check(hashes.out.Flush())
	root, err := tlog.TreeHash(seq, hashes)
	check(err)
	return map[string]any{"rate": float64(seq) / time.Since(started).Seconds(), "root": hex.EncodeToString(root[:])}
}

func quantiles(times []float64) map[string]float64 {
	sort.Float64s(times)
	at := func(q float64) float64 { return times[int(float64(len(times)-1)*q)] }
	return map[string]float64{"p50": at(0.5), "p99": at(0.99)}
}

// Proofs in a tree of so many records, whose hashes are in a file.
func prove(folder string, entries, proofs int64) map[string]any {
	hashes := newStore(folder)
	for seq := int64(0); seq < entries; seq++ {
		hashes.add(seq, record(seq))
	}
	check(hashes.out.Flush())
	hashes.tail = map[int64]tlog.Hash{}
	root, err := tlog.TreeHash(entries, hashes)
	check(err)
	var inclusion, consistency []float64
	inclusionHashes, consistencyHashes := 0, 0
	for i := int64(0); i < proofs; i++ {
		index := rand.Int63n(entries)
		started := time.Now()
		proof, err := tlog.ProveRecord(entries, index, hashes)
		check(err)
		inclusion = append(inclusion, time.Since(started).Seconds()*1000)
		check(tlog.CheckRecord(proof, entries, root, index, tlog.RecordHash(record(index))))
		if len(proof) > inclusionHashes {
			inclusionHashes = len(proof)
		}
		from := 1 + rand.Int63n(entries-1)
		started = time.Now()
		tree, err := tlog.ProveTree(entries, from, hashes)
		check(err)
		consistency = append(consistency, time.Since(started).Seconds()*1000)
		if len(tree) > consistencyHashes {
			consistencyHashes = len(tree)
		}
	}
	return map[string]any{
		"root":        hex.EncodeToString(root[:]),
		"inclusion":   map[string]any{"ms": quantiles(inclusion), "bytesMax": inclusionHashes * tlog.HashSize},
		"consistency": map[string]any{"ms": quantiles(consistency), "bytesMax": consistencyHashes * tlog.HashSize},
	}
}

func main() {
	rand.Seed(time.Now().UnixNano())
	folder, err := os.MkdirTemp("", "tlog-peer-")
	check(err)
	defer os.RemoveAll(folder)
	var answer map[string]any
	switch os.Args[1] {
	case "append":
		answer = appendRecords(folder, number(os.Args[2]), number(os.Args[3]))
	case "verify":
		answer = verify(folder, number(os.Args[2]))
	case "prove":
		answer = prove(folder, number(os.Args[2]), number(os.Args[3]))
	}
	check(json.NewEncoder(os.Stdout).Encode(answer))
}
