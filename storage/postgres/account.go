package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that the server runs as: it refuses to run as root.
type account struct {
	name     string
	uid, gid uint32
	// other is set if it is not the user that this process runs as.
	other bool
}

// accountForNew is who a new server runs as: ourselves, or as root the user
// postgres, or else nobody.
func accountForNew() (account, error) {
	if os.Geteuid() != 0 {
		return accountOf(uint32(os.Geteuid()), uint32(os.Getegid())), nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, nil
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody: " +
		`create one with "useradd --system postgres"`)
}

// accountOfOwner is who an existing server runs as: whoever owns its files.
func accountOfOwner(dir string) (account, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return account{}, err
	}
	uid, gid := owner(info)
	a := accountOf(uid, gid)
	switch {
	case uid == 0:
		return account{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: "+
			"give it to the user that it shall run as, with chown -R", dir)
	case a.other && os.Geteuid() != 0:
		return account{}, fmt.Errorf("%s belongs to user %s: start as that user, or as root", dir, a.name)
	}
	return a, nil
}

func accountOf(uid, gid uint32) account {
	a := account{name: strconv.FormatUint(uint64(uid), 10), uid: uid, gid: gid, other: int64(uid) != int64(os.Geteuid())}
	if u, err := user.LookupId(a.name); err == nil {
		a.name = u.Username
	}
	return a
}

// owner tells whom a file belongs to.
func owner(info fs.FileInfo) (uid, gid uint32) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, 0
	}
	return stat.Uid, stat.Gid
}

// command prepares a program to run as the account, in a session of its own,
// so that the terminal's Ctrl-C reaches us alone, and with an environment that
// has nothing of ours: variables such as PGDATA would change what it does.
func (a account) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // The program was found by findInstallation.
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return cmd
}

// canEnter reports whether the account may enter the folder. It lets the
// system decide, by starting a program there: modes are not all that counts.
func (a account) canEnter(ctx context.Context, dir string, i installation) bool {
	return a.command(ctx, dir, i.program("postgres"), "--version").Run() == nil
}

// own makes a folder that only the account may enter.
func (a account) own(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if !a.other {
		return nil
	}
	return os.Lchown(dir, int(a.uid), int(a.gid))
}
