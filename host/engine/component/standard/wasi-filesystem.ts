// The types of wasi:filesystem, as the WIT packages of 0.2 have them. Releases of 0.2 add functions and change none.

import { type Interfaces, interfaces } from "./notation.ts";

export const WASI_FILESYSTEM: Interfaces = interfaces(
  {
    "error-code":
      "enum{access,would-block,already,bad-descriptor,busy,deadlock,quota,exist,file-too-large,illegal-byte-sequence,in-progress,interrupted,invalid,io,is-directory,loop,too-many-links,message-size,name-too-long,no-device,no-entry,no-lock,insufficient-memory,insufficient-space,not-directory,not-empty,not-recoverable,unsupported,no-tty,no-such-device,overflow,not-permitted,pipe,read-only,invalid-seek,text-file-busy,cross-device}",
    advice: "enum{normal,sequential,random,will-need,dont-need,no-reuse}",
    "descriptor-flags": "flags{read,write,file-integrity-sync,data-integrity-sync,requested-write-sync,mutate-directory}",
    "descriptor-type": "enum{unknown,block-device,character-device,directory,fifo,symbolic-link,regular-file,socket}",
    datetime: "record{seconds:u64,nanoseconds:u32}",
    "new-timestamp": "variant{no-change,now,timestamp($datetime)}",
    "descriptor-stat":
      "record{type:$descriptor-type,link-count:u64,size:u64,data-access-timestamp:option<$datetime>,data-modification-timestamp:option<$datetime>,status-change-timestamp:option<$datetime>}",
    "path-flags": "flags{symlink-follow}",
    "open-flags": "flags{create,directory,exclusive,truncate}",
    "metadata-hash-value": "record{lower:u64,upper:u64}",
    "directory-entry": "record{type:$descriptor-type,name:string}",
  },
  {
    "wasi:filesystem/types": {
      resources: ["descriptor", "directory-entry-stream"],
      functions: {
        "[method]descriptor.read-via-stream": "(borrow<descriptor>,u64) -> result<own<input-stream>,$error-code>",
        "[method]descriptor.write-via-stream": "(borrow<descriptor>,u64) -> result<own<output-stream>,$error-code>",
        "[method]descriptor.append-via-stream": "(borrow<descriptor>) -> result<own<output-stream>,$error-code>",
        "[method]descriptor.advise": "(borrow<descriptor>,u64,u64,$advice) -> result<_,$error-code>",
        "[method]descriptor.sync-data": "(borrow<descriptor>) -> result<_,$error-code>",
        "[method]descriptor.get-flags": "(borrow<descriptor>) -> result<$descriptor-flags,$error-code>",
        "[method]descriptor.get-type": "(borrow<descriptor>) -> result<$descriptor-type,$error-code>",
        "[method]descriptor.set-size": "(borrow<descriptor>,u64) -> result<_,$error-code>",
        "[method]descriptor.set-times": "(borrow<descriptor>,$new-timestamp,$new-timestamp) -> result<_,$error-code>",
        "[method]descriptor.read": "(borrow<descriptor>,u64,u64) -> result<tuple<list<u8>,bool>,$error-code>",
        "[method]descriptor.write": "(borrow<descriptor>,list<u8>,u64) -> result<u64,$error-code>",
        "[method]descriptor.read-directory": "(borrow<descriptor>) -> result<own<directory-entry-stream>,$error-code>",
        "[method]descriptor.sync": "(borrow<descriptor>) -> result<_,$error-code>",
        "[method]descriptor.create-directory-at": "(borrow<descriptor>,string) -> result<_,$error-code>",
        "[method]descriptor.stat": "(borrow<descriptor>) -> result<$descriptor-stat,$error-code>",
        "[method]descriptor.stat-at": "(borrow<descriptor>,$path-flags,string) -> result<$descriptor-stat,$error-code>",
        "[method]descriptor.set-times-at": "(borrow<descriptor>,$path-flags,string,$new-timestamp,$new-timestamp) -> result<_,$error-code>",
        "[method]descriptor.link-at": "(borrow<descriptor>,$path-flags,string,borrow<descriptor>,string) -> result<_,$error-code>",
        "[method]descriptor.open-at":
          "(borrow<descriptor>,$path-flags,string,$open-flags,$descriptor-flags) -> result<own<descriptor>,$error-code>",
        "[method]descriptor.readlink-at": "(borrow<descriptor>,string) -> result<string,$error-code>",
        "[method]descriptor.remove-directory-at": "(borrow<descriptor>,string) -> result<_,$error-code>",
        "[method]descriptor.rename-at": "(borrow<descriptor>,string,borrow<descriptor>,string) -> result<_,$error-code>",
        "[method]descriptor.symlink-at": "(borrow<descriptor>,string,string) -> result<_,$error-code>",
        "[method]descriptor.unlink-file-at": "(borrow<descriptor>,string) -> result<_,$error-code>",
        "[method]descriptor.is-same-object": "(borrow<descriptor>,borrow<descriptor>) -> bool",
        "[method]descriptor.metadata-hash": "(borrow<descriptor>) -> result<$metadata-hash-value,$error-code>",
        "[method]descriptor.metadata-hash-at": "(borrow<descriptor>,$path-flags,string) -> result<$metadata-hash-value,$error-code>",
        "[method]directory-entry-stream.read-directory-entry":
          "(borrow<directory-entry-stream>) -> result<option<$directory-entry>,$error-code>",
        "filesystem-error-code": "(borrow<error>) -> option<$error-code>",
      },
    },
    "wasi:filesystem/preopens": {
      functions: {
        "get-directories": "() -> list<tuple<own<descriptor>,string>>",
      },
    },
  },
);
