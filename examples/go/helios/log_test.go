package helios

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// records are what was logged.
type records struct {
	mutex sync.Mutex
	all   []LogRecord
}

func (r *records) add(record LogRecord) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.all = append(r.all, record)
}

// take gives them away.
func (r *records) take() (all []LogRecord) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	all, r.all = r.all, nil
	return all
}

// setLog sets who is told, until the end of the test.
func setLog(t *testing.T, level LogLevel, log func(LogRecord)) {
	t.Helper()
	if err := SetLog(level, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { SetLog(LogOff, nil) })
}

// started says whether the start of an engine was logged.
func started(t *testing.T, records *records) bool {
	t.Helper()
	openEngine(t).Close()
	for _, record := range records.take() {
		if strings.HasPrefix(record.Message, "Started the embedded ClickHouse.") {
			if record.Level != LogDebug || record.Target != "helios_embedded::engine" || strings.Contains(record.Message, "\n") {
				t.Errorf("got %+v", record)
			}
			return true
		}
	}
	return false
}

func TestSetLog(t *testing.T) {
	var first, next records
	setLog(t, LogDebug, first.add)
	if !started(t, &first) {
		t.Error("nothing was logged")
	}
	setLog(t, LogTrace, next.add)
	if !started(t, &next) || len(first.take()) != 0 {
		t.Error("it was not told to the next one, or to both")
	}
	// One that is refused changes nothing.
	expect(t, SetLog(LogTrace+1, first.add), InvalidInput, "`level` is 6")
	if !started(t, &next) {
		t.Error("nothing was logged")
	}
	setLog(t, LogInfo, next.add)
	if started(t, &next) {
		t.Error("what is less bad was logged")
	}
	for _, off := range []func() error{
		func() error { return SetLog(LogOff, nil) },
		func() error { return SetLog(LogOff, next.add) },
		func() error { return SetLog(LogDebug, nil) },
	} {
		setLog(t, LogDebug, next.add)
		if err := off(); err != nil || started(t, &next) || len(next.take()) != 0 {
			t.Errorf("it goes on, %v", err)
		}
	}
}

func TestALogThatEndsItsGoroutine(t *testing.T) {
	var seen records
	setLog(t, LogDebug, func(record LogRecord) {
		seen.add(record)
		runtime.Goexit()
	})
	if !started(t, &seen) || !started(t, &seen) {
		t.Error("nothing was logged")
	}
}

func TestALogThatPanicsEndsTheProgram(t *testing.T) {
	if os.Getenv("HELIOS_TEST_LOG_PANICS") != "" {
		setLog(t, LogDebug, func(LogRecord) { panic("dropped") })
		func() {
			defer func() { fmt.Println("recovered", recover()) }()
			openEngine(t)
		}()
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), "HELIOS_TEST_LOG_PANICS=1")
	output, err := again.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "panic: dropped") || strings.Contains(string(output), "recovered") {
		t.Errorf("%v, %s", err, output)
	}
}

func TestLogLevelsHaveNames(t *testing.T) {
	if text := fmt.Sprint(LogOff, LogError, LogWarn, LogInfo, LogDebug, LogTrace, LogLevel(7)); text !=
		"off error warn info debug trace LogLevel(7)" {
		t.Errorf("got %s", text)
	}
}
