/*
 * p9.h - the file protocol between the Sentry and the gofer: 9P2000.L, and moat's extensions of it.
 *
 * Every message is size[4] type[1] tag[2] body, little-endian, unaligned; size counts itself.
 * Strings are len[2] and bytes without a NUL. The packed structs below are the parts of fixed
 * layout; memcpy them, never cast to them.
 *
 * A client that asks for P9_VERSION_MOAT and gets it back may send the P9_T* numbers from 200 on.
 * With P9_VERSION_L the gofer serves any standard client (Linux v9fs, diod), and refuses those
 * numbers with EOPNOTSUPP.
 *
 * Over a ring (ring.h) a request is one chain: the T-message in the buffers that the host reads,
 * then room for the R-message in the buffers that the host writes. Both may be cut anywhere; the
 * data of Tread, Twrite, Treaddir lies contiguously behind the fixed part, so a client that makes
 * its first writable buffer exactly P9_READ_HDR bytes gets the data on page boundaries. The used
 * length is the R-message's size, or 0 where not even an Rlerror fitted.
 */
#ifndef MOAT_ABI_P9_H
#define MOAT_ABI_P9_H

#include <stdint.h>

#define P9_VERSION_L	"9P2000.L"
#define P9_VERSION_MOAT "9P2000.L.moat1"

#define P9_NOTAG  0xffffu
#define P9_NOFID  0xffffffffu
#define P9_NONUID 0xffffffffu

#define P9_MAXWELEM  16 /* components of one walk */
#define P9_NAME_MAX  255
#define P9_IOHDRSZ   24		/* msize = data + this */
#define P9_DATA_MAX  (1u << 20) /* most data in one message */
#define P9_MSIZE_MAX (P9_DATA_MAX + P9_IOHDRSZ)
#define P9_MSIZE_MIN 4096

#define P9_PLUS_LEFT 4096
#define P9_HDR	     7	/* size type tag */
#define P9_READ_HDR  11 /* Rread, Rreaddir, Rreaddirplus: header, count[4]; then data */
#define P9_WRITE_HDR 23 /* Twrite: header, fid[4] offset[8] count[4]; then data */
#define P9_PART_HDR  27 /* Twritepart: with series[4] */

enum p9_type {
	P9_TLERROR = 6, /* never sent */
	P9_RLERROR = 7, /* ecode[4] */
	/*
	 * fid[4] -> type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8]
	 * namelen[4]
	 */
	P9_TSTATFS = 8,
	P9_RSTATFS,
	P9_TLOPEN = 12, /* fid[4] flags[4] -> qid[13] iounit[4] */
	P9_RLOPEN,
	/* fid[4] name[s] flags[4] mode[4] gid[4] -> qid[13] iounit[4]; fid becomes the open file */
	P9_TLCREATE = 14,
	P9_RLCREATE,
	P9_TSYMLINK = 16, /* dfid[4] name[s] target[s] gid[4] -> qid[13] */
	P9_RSYMLINK,
	P9_TMKNOD = 18, /* dfid[4] name[s] mode[4] major[4] minor[4] gid[4] -> qid[13] */
	P9_RMKNOD,
	P9_TRENAME = 20, /* fid[4] dfid[4] name[s] -> */
	P9_RRENAME,
	P9_TREADLINK = 22, /* fid[4] -> target[s] */
	P9_RREADLINK,
	P9_TGETATTR = 24, /* fid[4] mask[8] -> struct p9_attr */
	P9_RGETATTR,
	P9_TSETATTR = 26, /* fid[4] struct p9_setattr -> */
	P9_RSETATTR,
	P9_TXATTRWALK = 30, /* fid[4] newfid[4] name[s] -> size[8]; an empty name lists */
	P9_RXATTRWALK,
	/* fid[4] name[s] size[8] flags[4] -> ; set at clunk; size 0 and XATTR_REPLACE removes */
	P9_TXATTRCREATE = 32,
	P9_RXATTRCREATE,
	/* fid[4] offset[8] count[4] -> count[4] { qid[13] offset[8] type[1] name[s] }* */
	P9_TREADDIR = 40,
	P9_RREADDIR,
	P9_TFSYNC = 50, /* fid[4] datasync[4] -> ; the last field may be absent */
	P9_RFSYNC,
	/* fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s] -> status[1] */
	P9_TLOCK = 52,
	P9_RLOCK,
	/* fid[4] type[1] start[8] length[8] proc_id[4] client_id[s] -> the same less the fid */
	P9_TGETLOCK = 54,
	P9_RGETLOCK,
	P9_TLINK = 70, /* dfid[4] fid[4] name[s] -> */
	P9_RLINK,
	P9_TMKDIR = 72, /* dfid[4] name[s] mode[4] gid[4] -> qid[13] */
	P9_RMKDIR,
	P9_TRENAMEAT = 74, /* olddirfid[4] oldname[s] newdirfid[4] newname[s] -> */
	P9_RRENAMEAT,
	P9_TUNLINKAT = 76, /* dirfid[4] name[s] flags[4] (0 or P9_AT_REMOVEDIR) -> */
	P9_RUNLINKAT,
	P9_TVERSION = 100, /* msize[4] version[s] -> msize[4] version[s] */
	P9_RVERSION,
	P9_TAUTH = 102, /* afid[4] uname[s] aname[s] n_uname[4]: ENOENT, there is none */
	P9_RAUTH,
	P9_TATTACH = 104, /* fid[4] afid[4] uname[s] aname[s] n_uname[4] -> qid[13] */
	P9_RATTACH,
	P9_TFLUSH = 108, /* oldtag[2] -> */
	P9_RFLUSH,
	P9_TWALK = 110, /* fid[4] newfid[4] nwname[2] name[s]* -> nwqid[2] qid[13]* */
	P9_RWALK,
	P9_TREAD = 116, /* fid[4] offset[8] count[4] -> count[4] data */
	P9_RREAD,
	P9_TWRITE = 118, /* fid[4] offset[8] count[4] data -> count[4] */
	P9_RWRITE,
	P9_TCLUNK = 120, /* fid[4] -> */
	P9_RCLUNK,
	P9_TREMOVE = 122, /* fid[4] -> ; clunks the fid in any case */
	P9_RREMOVE,

	/* moat1 */

	/*
	 * Walk, attributes, link targets and open in one message:
	 *   fid[4] newfid[4] flags[4] nwname[2] name[s]*
	 *   -> error[4] iounit[4] nattr[2] { struct p9_attr, target[s] }*
	 * One attribute record per component walked (with nwname 0: one, fid's own); target is the
	 * content of a symbolic link and empty for anything else. Where a component does not exist
	 * or is refused, error says why and the nattr records before it are valid: nattr < nwname
	 * and ENOENT is a negative entry, ENOTDIR behind a symbolic link means "resolve target and
	 * walk on". nattr = nwname with an error: the open failed. error is 0 or a positive errno;
	 * Rlerror comes only for a bad message or fid.
	 *
	 * flags: P9_WGA_NOOPEN, or the flags of Tlopen (newfid is then open, and the last record is
	 * from after the open). newfid P9_NOFID: attributes only, there is nothing to clunk;
	 * otherwise newfid is made only if error is 0. newfid may not be fid.
	 */
	P9_TWALKGETATTR = 200,
	P9_RWALKGETATTR,

	/*
	 * fid[4] offset[8] count[4] -> count[4] { offset[8] type[1] struct p9_attr name[s] }*
	 *
	 * As Treaddir. attr.valid is 0 where the entry could not be examined; only attr.qid.path
	 * holds then. "." and ".." carry attributes too. What leaves P9_PLUS_LEFT bytes of count or
	 * more unused is the directory's last answer.
	 */
	P9_TREADDIRPLUS = 202,
	P9_RREADDIRPLUS,

	/*
	 * Make anything, with an owner, and open it:
	 *   dfid[4] newfid[4] name[s] mode[4] rdev[8] uid[4] gid[4] flags[4] target[s]
	 *   -> iounit[4] struct p9_attr
	 * mode has the file type: S_IFREG, S_IFDIR, S_IFLNK (with target), S_IFIFO, S_IFSOCK, else
	 * EPERM. It fails with EEXIST where the name exists, whatever flags say (O_EXCL always;
	 * after EEXIST walk, then open). uid and gid P9_NONUID: leave what the host gives. newfid
	 * P9_NOFID: make only. flags: P9_WGA_NOOPEN or Tlopen's, for a regular file only.
	 */
	P9_TMAKE = 204,
	P9_RMAKE,

	/* fallocate(2): fid[4] mode[4] offset[8] length[8] -> */
	P9_TALLOCATE = 206,
	P9_RALLOCATE,

	/*
	 * renameat2(2): olddirfid[4] oldname[s] newdirfid[4] newname[s] flags[4] -> ;
	 * RENAME_NOREPLACE, _EXCHANGE
	 */
	P9_TRENAMEAT2 = 208,
	P9_RRENAMEAT2,

	/*
	 * Hand a file that was opened O_RDONLY to whoever maps windows (dax.h):
	 *   fid[4] cookie[8] window[8] len[8] -> size[8]
	 * len: multiple of 4 KiB. size: of the file now, which reaches into the last page of len bytes or
	 * beyond; else EFBIG. EOPNOTSUPP: there are no windows at all; EPERM, EACCES, EINVAL: not of
	 * this file.
	 */
	P9_TMAP = 210,
	P9_RMAP,

	/*
	 * Twrite of a part of something longer, whose parts are sent without waiting for answers:
	 *   fid[4] offset[8] series[4] count[4] data -> count[4]
	 * series: what the parts have in common, any number but 0. Behind a part that was not written
	 * whole those of its series are refused: ECANCELED.
	 */
	P9_TWRITEPART = 212,
	P9_RWRITEPART,
};

#define P9_WGA_NOOPEN 0xffffffffu

#define P9_AT_REMOVEDIR 0x200

/* qid types */
#define P9_QTDIR     0x80
#define P9_QTSYMLINK 0x02
#define P9_QTFILE    0x00

/*
 * Equal path: the same file of the same mount. version changes when the file's ctime or size does.
 */
struct p9_qid {
	uint8_t type;
	uint32_t version;
	uint64_t path;
} __attribute__((packed));

/*
 * Rgetattr's body. Times are seconds and nanoseconds since the epoch; rdev has the C library's
 * encoding.
 */
struct p9_attr {
	uint64_t valid; /* P9_STATS_* */
	struct p9_qid qid;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t nlink;
	uint64_t rdev;
	uint64_t size;
	uint64_t blksize;
	uint64_t blocks; /* of 512 bytes */
	uint64_t atime_sec, atime_nsec;
	uint64_t mtime_sec, mtime_nsec;
	uint64_t ctime_sec, ctime_nsec;
	uint64_t btime_sec, btime_nsec;
	uint64_t gen;
	uint64_t data_version;
} __attribute__((packed));

#define P9_STATS_BASIC 0x000007ffull /* mode .. blocks, ctime */
#define P9_STATS_BTIME 0x00000800ull

/* Tsetattr's body behind the fid. */
struct p9_setattr {
	uint32_t valid; /* P9_SETATTR_* */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	uint64_t atime_sec, atime_nsec;
	uint64_t mtime_sec, mtime_nsec;
} __attribute__((packed));

#define P9_SETATTR_MODE	     0x001
#define P9_SETATTR_UID	     0x002
#define P9_SETATTR_GID	     0x004
#define P9_SETATTR_SIZE	     0x008
#define P9_SETATTR_ATIME     0x010 /* to the server's now, unless _SET */
#define P9_SETATTR_MTIME     0x020
#define P9_SETATTR_CTIME     0x040
#define P9_SETATTR_ATIME_SET 0x080
#define P9_SETATTR_MTIME_SET 0x100

/* Tlock, Tgetlock */
#define P9_LOCK_TYPE_RDLCK    0
#define P9_LOCK_TYPE_WRLCK    1
#define P9_LOCK_TYPE_UNLCK    2
#define P9_LOCK_SUCCESS	      0
#define P9_LOCK_BLOCKED	      1 /* ask again; the gofer never waits for a lock */
#define P9_LOCK_ERROR	      2
#define P9_LOCK_FLAGS_BLOCK   1
#define P9_LOCK_FLAGS_RECLAIM 2

_Static_assert(sizeof(struct p9_qid) == 13, "9P qid");
_Static_assert(sizeof(struct p9_attr) == 153, "9P Rgetattr");
_Static_assert(sizeof(struct p9_setattr) == 56, "9P Tsetattr");

#endif
