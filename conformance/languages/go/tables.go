package main

// The tables that this client sends, as spec/schema has them, and the numbers that it needs.

const (
	challenge, hello, welcome, goAway, failure             = 1, 2, 3, 4, 6
	leaseRequest, leaseGrant, leaseReturn, leaseEnded      = 16, 17, 18, 21
	leaseRecall, task, result, returned                    = 26, 32, 33, 36
	refUpdate, objectGet, objectValue, objectUnpin         = 50, 52, 53, 54
	functionPut, inspect                                   = 72, 101
	roleDriver, python, java, other                        = 2, 1, 2, 64
	value, ref                                             = 1, 2 // ArgKind
	compact, image                                         = 1, 2 // Layout
	arrowEncoding, bytesEncoding, portableEncoding         = 1, 3, 4
	errorEncoding                                          = 7
	inline, stored                                         = 2, 3 // ValueState
	exact                                                  = 1    // TaskFlag
	invalidArgument                                        = 24   // ErrorCode
	skippableMin                                           = 0x8000
	protocolMark                                      byte = 0xB1
)

var (
	helloFields = []kind{u16, u16, u8, u8, u32, u64, u64, u32, u32, u8, octets, text, text, text, texts, texts, text}
	errorCause  = []kind{text, text, u8}
	errorRecord = []kind{u16, u8, u8, u8, u32, u64, taskID, text, text, text, text, octets, tables(errorCause)}
	failed      = []kind{u64, table(errorRecord)}
	put         = []kind{taskID, u8, text, text, text, u64, vector(40, 8)}
	resource    = []kind{text, u64}
	lease       = []kind{u64, u8, u32, u32, text, octets, tables(resource), text, taskID, u32, u8}
	leaseBack   = []kind{u64}
	taskFields  = []kind{taskID, taskID, taskID, u64, u64, u64, u32, u32, u32, u32, u32, u32, u64, u8, vector(56, 8),
		text, text, text, text, u64}
	get     = []kind{u64, objectRef, u8, u8}
	unpin   = []kind{vector(8, 8)}
	changes = []kind{vector(48, 8)}
)
