package helios

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
)

func TestQueryRows(t *testing.T) {
	client := openEngine(t)
	before := runtime.NumGoroutine()
	rows := client.QueryRows(background, "SELECT number AS n, repeat('ça', number * 100) AS s FROM numbers({rows:UInt32})",
		&QueryOptions{Parameters: map[string]any{"rows": 300}})
	defer rows.Close()
	type row struct {
		N uint64
		S string
	}
	read := uint64(0)
	for ; rows.Next(); read++ {
		var row row
		if err := rows.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if row.N != read || row.S != strings.Repeat("ça", int(read*100)) {
			t.Fatalf("row %d: got %d, %d bytes", read, row.N, len(row.S))
		}
	}
	if read != 300 || rows.Err() != nil || rows.Next() || rows.Row() != nil {
		t.Errorf("%d rows, %v", read, rows.Err())
	}
	expect(t, rows.Decode(new(row)), InvalidInput, "there is no row")
	rows.Close()
	if rows.Err() != nil {
		t.Errorf("those were all: %v", rows.Err())
	}

	for _, statement := range []string{
		"SELECT 1 AS x WHERE x = 2",
		"CREATE TABLE t (x UInt64) ORDER BY x",
		"INSERT INTO t VALUES (18446744073709551615)",
	} {
		rows := client.QueryRows(background, statement, nil)
		if rows.Next() || rows.Err() != nil {
			t.Errorf("%s: got %s, %v", statement, rows.Row(), rows.Err())
		}
		rows.Close()
	}
	rows = client.QueryRows(background, "SELECT x FROM t", nil)
	defer rows.Close()
	expect(t, rows.Decode(new(row)), InvalidInput, "there is no row")
	if !rows.Next() || string(rows.Row()) != `{"x":18446744073709551615}` {
		t.Errorf("got %s, %v", rows.Row(), rows.Err())
	}
	rows.Close()
	untilAsFew(before)
}

func TestARowThatDoesNotFit(t *testing.T) {
	client := openEngine(t)
	rows := client.QueryRows(background, "SELECT number + 254 AS n FROM numbers(3)", nil)
	defer rows.Close()
	var fit []uint8
	for row := 0; rows.Next(); row++ {
		var value struct{ N uint8 }
		err := rows.Decode(&value)
		if row == 2 {
			var wrong *json.UnmarshalTypeError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "row 2") {
				t.Errorf("got %v", err)
			}
			// As whatever else it can be read.
			var wide struct{ N uint16 }
			if err := rows.Decode(&wide); err != nil || wide.N != 256 {
				t.Errorf("got %v, %v", wide, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
		}
		fit = append(fit, value.N)
	}
	if len(fit) != 2 || rows.Err() != nil {
		t.Errorf("got %v, %v", fit, rows.Err())
	}
}

func TestRowsThatDoNotAllCome(t *testing.T) {
	client := openEngine(t)
	before := runtime.NumGoroutine()
	rows := client.QueryRows(background, "SELECT throwIf(number = 3000000, 'late') AS x FROM numbers(4000000)", nil)
	read := 0
	for rows.Next() {
		read++
	}
	expect(t, rows.Err(), InvalidQuery, "late")
	if read == 0 || read > 3000000 {
		t.Errorf("%d rows", read)
	}
	rows.Close()
	expect(t, rows.Err(), InvalidQuery, "late")

	rows = client.QueryRows(background, numbers, nil)
	if !rows.Next() || rows.Err() != nil {
		t.Error(rows.Err())
	}
	rows.Close()
	rows.Close()
	if rows.Next() || rows.Row() != nil {
		t.Errorf("got %s", rows.Row())
	}
	expect(t, rows.Err(), Cancelled, "closed before their end")
	untilGone(t, client, numbers)

	ctx, cancel := context.WithCancel(background)
	rows = client.QueryRows(ctx, numbers, nil)
	if !rows.Next() {
		t.Error(rows.Err())
	}
	cancel()
	for rows.Next() {
	}
	expect(t, rows.Err(), Cancelled, "")
	if !errors.Is(rows.Err(), context.Canceled) {
		t.Errorf("got %v", rows.Err())
	}
	untilGone(t, client, numbers)

	rows = client.QueryRows(background, numbers, &QueryOptions{OnProgress: func(QueryProgress) bool { panic("dropped") }})
	if panicked := panicOf(func() {
		for rows.Next() {
		}
	}); panicked != "dropped" {
		t.Errorf("got %v", panicked)
	}
	rows.Close()
	untilAsFew(before)
}
