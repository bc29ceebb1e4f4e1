package chrome

import "encoding/json"

// What is used of the DevTools protocol, with the members that are used:
// https://chromedevtools.github.io/devtools-protocol/. A module with the types
// of all of it costs every start of every command: docs/decisions/0009.

// A message is one text of the protocol, in either direction.
type message struct {
	ID      int64           `json:"id,omitzero"`
	Session string          `json:"sessionId,omitzero"` // empty is the browser itself
	Method  string          `json:"method,omitzero"`
	Params  json.RawMessage `json:"params,omitzero"`
	Result  json.RawMessage `json:"result,omitzero"`
	Error   *refusal        `json:"error,omitzero"`
}

// A refusal is what the browser has against a command.
type refusal struct {
	Code    int64  `json:"code"`
	Message string `json:"message"`
}

// none is of what has no members that count.
type none struct{}

// targets is the result of Target.getTargets.
type targets struct {
	Infos []struct {
		ID   string `json:"targetId"`
		Type string `json:"type"`
	} `json:"targetInfos"`
}

// created is the result of Target.createTarget.
type created struct {
	Target string `json:"targetId"`
}

// attach are the parameters of Target.attachToTarget; flat sessions share the
// pipe.
type attach struct {
	Target string `json:"targetId"`
	Flat   bool   `json:"flatten"`
}

// attached is its result.
type attached struct {
	Session string `json:"sessionId"`
}

// location are the parameters of Page.navigate and Target.createTarget.
type location struct {
	URL string `json:"url"`
}

// navigated is the result of Page.navigate.
type navigated struct {
	Error string `json:"errorText"`
}

// frames is the result of Page.getFrameTree.
type frames struct {
	Tree tree `json:"frameTree"`
}

type tree struct {
	Frame struct {
		ID string `json:"id"`
	} `json:"frame"`
	Children []tree `json:"childFrames"`
}

// isolate are the parameters of Page.createIsolatedWorld.
type isolate struct {
	Frame string `json:"frameId"`
	Name  string `json:"worldName"`
}

// isolated is its result.
type isolated struct {
	World int64 `json:"executionContextId"`
}

// dialog are the parameters of Page.javascriptDialogOpening.
type dialog struct {
	Type string `json:"type"`
}

// dismissal are the parameters of Page.handleJavaScriptDialog.
type dismissal struct {
	Accept bool `json:"accept"`
}

// screenshot is the result of Page.captureScreenshot.
type screenshot struct {
	Data []byte `json:"data"`
}

// focus are the parameters of Emulation.setFocusEmulationEnabled.
type focus struct {
	Enabled bool `json:"enabled"`
}

// function are the parameters of Runtime.callFunctionOn.
type function struct {
	Declaration string     `json:"functionDeclaration"`
	Arguments   []argument `json:"arguments"`
	World       int64      `json:"executionContextId"`
	Silent      bool       `json:"silent"`
	ByValue     bool       `json:"returnByValue"`
	Await       bool       `json:"awaitPromise"`
	Gesture     bool       `json:"userGesture"`
}

type argument struct {
	Value any `json:"value"`
}

// returned is the result of Runtime.callFunctionOn.
type returned[T any] struct {
	Result struct {
		Value *T `json:"value"`
	} `json:"result"`
	Exception *struct {
		Text string `json:"text"`
	} `json:"exceptionDetails"`
}

// paused are the parameters of Fetch.requestPaused.
type paused struct {
	ID      string  `json:"requestId"`
	Request request `json:"request"`
	Frame   string  `json:"frameId"`
	Type    string  `json:"resourceType"`
}

type request struct {
	URL     string         `json:"url"`
	Method  string         `json:"method"`
	Headers map[string]any `json:"headers"`
	Body    []struct {
		Bytes []byte `json:"bytes"`
	} `json:"postDataEntries"`
}

// failure are the parameters of Fetch.failRequest.
type failure struct {
	ID     string `json:"requestId"`
	Reason string `json:"errorReason"`
}

// fulfilment are the parameters of Fetch.fulfillRequest.
type fulfilment struct {
	ID      string   `json:"requestId"`
	Status  int      `json:"responseCode"`
	Headers []header `json:"responseHeaders,omitempty"`
	Body    []byte   `json:"body,omitempty"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
