// SQL in your process: a table, some rows, a question.
//
//	go run ./quickstart [FOLDER]     where the data are kept: helios-data if no folder is named
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/helios-stream/helios/examples/go/helios"
)

func main() {
	log.SetFlags(0)
	var config helios.Config
	if len(os.Args) > 1 {
		config.DataPath = os.Args[1]
	}
	if err := run(context.Background(), config); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, config helios.Config) error {
	client, err := helios.Open(config)
	if err != nil {
		return err
	}
	defer client.Close()

	for _, statement := range []string{
		"CREATE OR REPLACE TABLE visits (page String, seconds UInt32) ORDER BY page",
		"INSERT INTO visits VALUES ('/', 3), ('/docs', 40), ('/docs', 20)",
	} {
		if _, err := client.Query(ctx, statement, nil); err != nil {
			return err
		}
	}

	result, err := client.Query(ctx,
		"SELECT page, sum(seconds) AS total FROM visits GROUP BY page HAVING total > {least:UInt32}",
		&helios.QueryOptions{Parameters: map[string]any{"least": 10}})
	if err != nil {
		return err
	}
	type visit struct {
		Page  string
		Total uint64
	}
	visits, err := helios.Rows[visit](result)
	if err != nil {
		return err
	}
	for _, visit := range visits {
		fmt.Printf("%s: %d s\n", visit.Page, visit.Total)
	}
	return nil
}
