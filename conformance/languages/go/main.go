// A client of Bowstring in Go, written from spec/ alone: it submits tasks to Python and to Java, passes the result of one
// to the other, meets their errors, and reads Arrow tables in shared memory.
//
//	go run . SESSION PLAN
//
// SESSION is the folder of a runtime that runs. PLAN is JSON: {"python_path": [...], "class_path": [...], "calls": [...]};
// a call is {"language": "python" or "java", "module", "name", "args", "as"}, where an argument {"$ref": NAME} stands for
// an earlier result. One line of JSON is printed for each: its value, what an Arrow table came to, or its error.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

type plan struct {
	PythonPath []string `json:"python_path"`
	ClassPath  []string `json:"class_path"`
	Calls      []struct {
		Language, Module, Name, As string
		Args                       []any
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client SESSION PLAN")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(session, text string) error {
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	c, err := open(session, p.PythonPath, p.ClassPath)
	if err != nil {
		return err
	}
	defer c.close()
	results := map[string]*object{}
	for _, call := range p.Calls {
		language := map[string]int{"python": python, "java": java}[call.Language]
		arguments := make([]any, len(call.Args))
		for i, each := range call.Args {
			arguments[i] = argument(each, results)
		}
		got, err := c.call(function{language, call.Module, call.Name, ""}, arguments...)
		if err == nil && call.As != "" {
			results[call.As] = got
		}
		line, err := c.tell(got, err)
		if err != nil {
			return err
		}
		out, err := json.Marshal(line)
		if err != nil {
			return err
		}
		fmt.Println(string(out))
	}
	for _, each := range results {
		if err := c.release(each); err != nil {
			return err
		}
	}
	return nil
}

func argument(given any, results map[string]*object) any {
	switch v := given.(type) {
	case map[string]any:
		if name, is := v["$ref"].(string); is {
			return results[name]
		}
	case float64: // JSON has no integers; the plan's numbers are
		return int64(v)
	}
	return given
}

// tell describes a result, or the error that it is. Other errors end the program.
func (c *client) tell(got *object, err error) (map[string]any, error) {
	var v any
	if err == nil {
		v, err = c.read(got)
	}
	var remote *remoteError
	if errors.As(err, &remote) {
		return map[string]any{"code": remote.code, "type": remote.typeName, "message": remote.message}, nil
	}
	if s, is := v.(summary); is {
		return map[string]any{"stored": got.stored, "rows": s.Rows, "columns": s.Columns, "sums": s.Sums, "nulls": s.Nulls}, err
	}
	return map[string]any{"value": v}, err
}
