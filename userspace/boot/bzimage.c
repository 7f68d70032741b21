// SPDX-License-Identifier: GPL-2.0
/*
 * Linux's bzImage: checking it and loading it; see boot.h for who calls this.
 * Follows Documentation/arch/x86/boot.rst in the kernel's tree.
 * Read next: boot/start.c.
 */
#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../err.h"

#define BZ_HEADER_OFFSET	0x1f1
#define BZ_HEADER_END(jump)	(0x202 + (jump))
#define BZ_BOOT_FLAG		0xaa55
#define BZ_MAGIC		0x53726448	/* "HdrS" */
#define BZ_VERSION_64		0x020c		/* the first with xloadflags */
#define BZ_SECTOR		512
#define BZ_DEFAULT_SECTS	4
#define BZ_LOADER_UNDEFINED	0xff
#define BZ_MEM_MIN		0x100000

/* A seed for the guest's random numbers; absent from some headers. */
#define BZ_SETUP_RNG_SEED	9
#define BZ_SEED_SIZE		32

#define PAGE_SIZE		4096ull
#define MIB			(1024 * 1024ull)

static const char *bz_parse_layout(struct lodge_bzimage *img, uint64_t size)
{
	const struct setup_header *h = &img->hdr;
	unsigned int sects = h->setup_sects ? h->setup_sects : BZ_DEFAULT_SECTS;

	img->payload = (sects + 1) * BZ_SECTOR;
	if (img->payload >= size)
		return "is cut short";
	img->payload_size = size - img->payload;
	/* syssize is in paragraphs; the file may have a signature after it. */
	if (h->syssize * 16ull > img->payload_size + 16)
		return "is cut short";
	img->load = h->pref_address;
	if (img->load < BZ_MEM_MIN || img->load >= LODGE_MEM_LOW_MAX)
		return "asks for an address below 1 MiB or above 3 GiB";
	img->end = img->load + h->init_size;
	if (img->end < img->load + img->payload_size)
		img->end = img->load + img->payload_size;
	return NULL;
}

const char *lodge_bzimage_parse(struct lodge_bzimage *img, const uint8_t *head,
				size_t len, uint64_t size)
{
	struct setup_header *h = &img->hdr;
	size_t copy;

	memset(img, 0, sizeof(*img));
	if (len < BZ_HEADER_OFFSET + sizeof(*h))
		return "is not a bzImage";
	memcpy(h, head + BZ_HEADER_OFFSET, sizeof(*h));
	if (h->boot_flag != BZ_BOOT_FLAG || h->header != BZ_MAGIC)
		return "is not a bzImage";
	if (h->version < BZ_VERSION_64)
		return "is a bzImage too old to be started in 64-bit mode";
	if (!(h->loadflags & LOADED_HIGH))
		return "is a zImage, not a bzImage";
	if (!(h->xloadflags & XLF_KERNEL_64))
		return "is a 32-bit kernel; only 64-bit ones can be run";

	/* What lies after the header's own end is not header. */
	copy = BZ_HEADER_END(head[0x201]) - BZ_HEADER_OFFSET;
	if (copy < sizeof(*h))
		memset((uint8_t *)h + copy, 0, sizeof(*h) - copy);
	return bz_parse_layout(img, size);
}

static int boot_open_one(const char *what, const char *path, uint64_t *size)
{
	struct stat st;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		ret = -errno;
		lodge_err("cannot open %s '%s': %s", what, path,
			  strerror(-ret));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	if (!S_ISREG(st.st_mode)) {
		lodge_err("%s '%s' is not a regular file", what, path);
		close(fd);
		return -EINVAL;
	}
	*size = st.st_size;
	return fd;
}

static int boot_open_kernel(struct lodge_boot_files *files)
{
	uint8_t head[PAGE_SIZE];
	const char *why;
	uint64_t size;
	ssize_t n;

	files->kernel_fd = boot_open_one("kernel", files->kernel, &size);
	if (files->kernel_fd < 0)
		return files->kernel_fd;
	n = pread(files->kernel_fd, head, sizeof(head), 0);
	if (n < 0) {
		n = -errno;
		lodge_err("cannot read kernel '%s': %s", files->kernel,
			  strerror(-n));
		return n;
	}
	why = lodge_bzimage_parse(&files->img, head, n, size);
	if (why) {
		lodge_err("kernel '%s' %s", files->kernel, why);
		return -ENOEXEC;
	}
	return 0;
}

int lodge_boot_open(struct lodge_boot_files *files, const char *kernel,
		    const char *initrd)
{
	int ret;

	memset(files, 0, sizeof(*files));
	files->kernel = kernel;
	files->initrd = initrd;
	files->initrd_fd = -1;
	ret = boot_open_kernel(files);
	if (!ret && initrd) {
		files->initrd_fd = boot_open_one("initrd", initrd,
						 &files->initrd_size);
		if (files->initrd_fd < 0)
			ret = files->initrd_fd;
	}
	if (ret)
		lodge_boot_close(files);
	return ret;
}

void lodge_boot_close(struct lodge_boot_files *files)
{
	if (files->kernel_fd >= 0)
		close(files->kernel_fd);
	if (files->initrd_fd >= 0)
		close(files->initrd_fd);
	files->kernel_fd = -1;
	files->initrd_fd = -1;
}

uint64_t lodge_boot_place_initrd(const struct lodge_bzimage *img,
				 uint64_t low_end, uint64_t size)
{
	uint64_t top = (uint64_t)img->hdr.initrd_addr_max + 1;
	uint64_t first = (img->end + PAGE_SIZE - 1) & -PAGE_SIZE;

	if (first > low_end)
		return 0;
	if (!size)
		return first;
	if (top > low_end)
		top = low_end;
	if (size > top || first > top - size)
		return 0;
	return (top - size) & -PAGE_SIZE;
}

/* Read into guest memory; the file may have shrunk since it was opened. */
static int boot_read(int fd, const char *what, const char *path, uint8_t *to,
		     uint64_t size, uint64_t offset)
{
	ssize_t n = 1;
	int err = EIO;

	if (!to)
		return -EFAULT;
	while (size) {
		n = pread(fd, to, size, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		to += n;
		offset += n;
		size -= n;
	}
	if (!size)
		return 0;
	if (n < 0)
		err = errno;
	lodge_err("cannot read %s '%s': %s", what, path,
		  n < 0 ? strerror(err) : "it is shorter than it was");
	return -err;
}

static int boot_too_small(const struct lodge_boot_files *files)
{
	uint64_t need = files->img.end + files->initrd_size + PAGE_SIZE;

	lodge_err("memory is too small: this kernel%s needs at least %llu MiB (--mem)",
		  files->initrd ? " with its initrd" : "",
		  (unsigned long long)((need + MIB - 1) / MIB));
	return -ENOMEM;
}

static void boot_seed(const struct lodge_mem *mem, struct boot_params *params)
{
	struct setup_data *data = lodge_mem_ptr(mem, LODGE_BOOT_SEED,
						sizeof(*data) + BZ_SEED_SIZE);

	if (getrandom(data->data, BZ_SEED_SIZE, 0) != BZ_SEED_SIZE)
		return;
	data->type = BZ_SETUP_RNG_SEED;
	data->len = BZ_SEED_SIZE;
	params->hdr.setup_data = LODGE_BOOT_SEED;
}

static int boot_params_fill(const struct lodge_boot_files *files,
			    const struct lodge_mem *mem, const char *cmdline,
			    unsigned int cpus)
{
	struct boot_params *params = lodge_mem_ptr(mem, LODGE_BOOT_PARAMS,
						   sizeof(*params));
	size_t len = strlen(cmdline), max = files->img.hdr.cmdline_size;

	if (max >= LODGE_BOOT_CMDLINE_MAX)
		max = LODGE_BOOT_CMDLINE_MAX - 1;
	if (len > max) {
		lodge_err("the kernel command line has %zu bytes; this kernel takes %zu (--append)",
			  len, max);
		return -E2BIG;
	}
	memcpy(lodge_mem_ptr(mem, LODGE_BOOT_CMDLINE, len + 1), cmdline,
	       len + 1);

	params->hdr = files->img.hdr;
	params->hdr.type_of_loader = BZ_LOADER_UNDEFINED;
	params->hdr.cmd_line_ptr = LODGE_BOOT_CMDLINE;
	params->hdr.code32_start = files->img.load;
	params->acpi_rsdp_addr = lodge_boot_acpi(mem, cpus);
	lodge_boot_e820(params, mem);
	boot_seed(mem, params);
	return 0;
}

int lodge_boot_load(const struct lodge_boot_files *files,
		    const struct lodge_mem *mem, const char *cmdline,
		    unsigned int cpus)
{
	const struct lodge_bzimage *img = &files->img;
	struct boot_params *params;
	uint64_t initrd;
	int ret;

	initrd = lodge_boot_place_initrd(img, lodge_mem_low_end(mem),
					 files->initrd_size);
	if (!initrd)
		return boot_too_small(files);
	ret = boot_params_fill(files, mem, cmdline, cpus);
	if (ret)
		return ret;
	ret = boot_read(files->kernel_fd, "kernel", files->kernel,
			lodge_mem_ptr(mem, img->load, img->payload_size),
			img->payload_size, img->payload);
	if (!ret && files->initrd_size) {
		params = lodge_mem_ptr(mem, LODGE_BOOT_PARAMS, sizeof(*params));
		params->hdr.ramdisk_image = initrd;
		params->hdr.ramdisk_size = files->initrd_size;
		ret = boot_read(files->initrd_fd, "initrd", files->initrd,
				lodge_mem_ptr(mem, initrd, files->initrd_size),
				files->initrd_size, 0);
	}
	if (!ret)
		lodge_boot_tables(mem);
	return ret;
}
