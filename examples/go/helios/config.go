package helios

/*
#include <helios.h>
*/
import "C"

// A Secret is a text that is not printed.
type Secret string

// String does not tell it.
func (Secret) String() string { return "***" }

// GoString does not tell it.
func (Secret) GoString() string { return "***" }

// Config holds the settings of a client. What is empty is at its default.
type Config struct {
	// ClickHouseURL is where the server's HTTP interface is: "http://host:8123". Default: the embedded engine.
	ClickHouseURL string
	// ClickHouseUser is by default the server's "default".
	ClickHouseUser     string
	ClickHousePassword Secret
	// ClickHouseDatabase is the database of queries that name none. Default: "default".
	ClickHouseDatabase string
	// ClickHouseCompression is "lz4", "zstd" or "none", of what goes between this process and a server. Default: "lz4".
	ClickHouseCompression string
	// DataPath is the folder of the embedded engine. Default: "helios-data" in the working directory.
	DataPath string
	// ChdbLib is the path of libchdb.so. Default: where `make engine` puts it.
	ChdbLib string
	// AWSRegion is by default what the AWS SDKs find.
	AWSRegion string
	// AWSEndpointURL is an emulator or a private endpoint.
	AWSEndpointURL string
	// AWSAccessKeyID is by default what the AWS SDKs find, with all that belongs to it.
	AWSAccessKeyID     string
	AWSSecretAccessKey Secret
	AWSSessionToken    Secret
	// AWSProfile is a profile of the shared AWS configuration.
	AWSProfile string
	// AWSRoleARN is a role to assume, with whatever credentials there are.
	AWSRoleARN    string
	AWSExternalID Secret
	// MappingTable is the DynamoDB table that maps streams to tables. Default: "helios-sources".
	MappingTable string
	// LedgerTable is the DynamoDB table of what was delivered. Default: "helios-ledger".
	LedgerTable string
	// DeliveryFunction is the name or ARN of the Lambda function that delivers. Default: "helios-delivery".
	DeliveryFunction string
}

// settings are the texts that are not empty, by libhelios's keys.
func (c Config) settings() map[string]string {
	settings := map[string]string{
		"clickhouse_url":         c.ClickHouseURL,
		"clickhouse_user":        c.ClickHouseUser,
		"clickhouse_password":    string(c.ClickHousePassword),
		"clickhouse_database":    c.ClickHouseDatabase,
		"clickhouse_compression": c.ClickHouseCompression,
		"data_path":              c.DataPath,
		"chdb_lib":               c.ChdbLib,
		"aws_region":             c.AWSRegion,
		"aws_endpoint_url":       c.AWSEndpointURL,
		"aws_access_key_id":      c.AWSAccessKeyID,
		"aws_secret_access_key":  string(c.AWSSecretAccessKey),
		"aws_session_token":      string(c.AWSSessionToken),
		"aws_profile":            c.AWSProfile,
		"aws_role_arn":           c.AWSRoleARN,
		"aws_external_id":        string(c.AWSExternalID),
		"mapping_table":          c.MappingTable,
		"ledger_table":           c.LedgerTable,
		"delivery_function":      c.DeliveryFunction,
	}
	for key, value := range settings {
		if value == "" {
			delete(settings, key)
		}
	}
	return settings
}

func (c Config) fill(config *C.helios_config) error {
	for key, value := range c.settings() {
		if err := set(config, key, value); err != nil {
			return err
		}
	}
	return nil
}

func set(config *C.helios_config, key, value string) error {
	cKey, err := cText("key", key)
	if err != nil {
		return err
	}
	defer free(cKey)
	cValue, err := cText(key, value)
	if err != nil {
		return err
	}
	defer free(cValue)
	return try(func(failure **C.helios_error) C.helios_status {
		return C.helios_config_set(config, cKey, cValue, failure)
	})
}
