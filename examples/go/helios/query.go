package helios

/*
#include <helios.h>
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// QueryOptions says how a query may run. What is nil is not given: no limit. A limit of zero is refused, not taken for none.
type QueryOptions struct {
	// Parameters are values of {name:Type} in the text: texts, numbers, truth values. They never become SQL.
	Parameters map[string]any `json:"parameters,omitempty"`
	// Database is the database of tables named without one.
	Database string `json:"database,omitempty"`
	// ReadOnly refuses everything that writes or reaches outside.
	ReadOnly bool `json:"readOnly,omitempty"`
	// MaxExecutionSeconds is how long the query may take.
	MaxExecutionSeconds *float64 `json:"maxExecutionSeconds,omitempty"`
	// MaxResultRows is how many rows the result may have.
	MaxResultRows *int `json:"maxResultRows,omitempty"`
	// MaxResultBytes is how many bytes the result may have.
	MaxResultBytes *int `json:"maxResultBytes,omitempty"`
	// MaxMemoryUsage is how much memory the query may need, in bytes.
	MaxMemoryUsage *int `json:"maxMemoryUsage,omitempty"`
	// Quote64BitIntegers answers with 64-bit integers as text.
	Quote64BitIntegers bool `json:"quote64BitIntegers,omitempty"`
}

// QueryMetadata is what a result is.
type QueryMetadata struct {
	// Query is the SQL text as it was given.
	Query string `json:"query"`
	// RowCount is how many rows there are.
	RowCount uint64 `json:"row_count"`
	// ColumnNames are in order.
	ColumnNames []string `json:"column_names"`
	// ColumnTypes are ClickHouse's, in order.
	ColumnTypes []string `json:"column_types"`
}

// A QueryResult is a whole result.
type QueryResult struct {
	Metadata QueryMetadata `json:"metadata"`
	// Data are the rows as ClickHouse wrote them, a JSON object each: numbers of any size keep every digit.
	Data []json.RawMessage `json:"data"`
}

// Rows reads the rows of a result, one T each.
func Rows[T any](result *QueryResult) ([]T, error) {
	rows := make([]T, len(result.Data))
	for i, row := range result.Data {
		if err := json.Unmarshal(row, &rows[i]); err != nil {
			return nil, fmt.Errorf("helios: row %d: %w", i, err)
		}
	}
	return rows, nil
}

// Databases lists every database with its tables, sorted.
func (c *Client) Databases() (map[string][]string, error) {
	var databases map[string][]string
	err := c.answer(&databases, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_databases(client, text, failure)
	})
	return databases, err
}

// Query runs one SQL statement. Options may be nil.
func (c *Client) Query(sql string, options *QueryOptions) (*QueryResult, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	cSQL, err := cText("sql", sql)
	if err != nil {
		return nil, err
	}
	defer free(cSQL)
	cOptions, err := optionsJSON(options)
	if err != nil {
		return nil, err
	}
	defer free(cOptions)
	result := new(QueryResult)
	err = c.answer(result, func(client *C.helios_client, text **C.char, failure **C.helios_error) C.helios_status {
		return C.helios_client_query(client, cSQL, cOptions, text, failure)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// validate refuses texts that encoding/json would change in silence.
func (o *QueryOptions) validate() error {
	if o == nil {
		return nil
	}
	for name, value := range o.Parameters {
		if text, ok := value.(string); !utf8.ValidString(name) || ok && !utf8.ValidString(text) {
			return &Error{Kind: InvalidUTF8, Message: fmt.Sprintf("the parameter %q is not UTF-8", name)}
		}
	}
	return nil
}
