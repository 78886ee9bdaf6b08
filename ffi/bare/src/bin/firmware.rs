//! Runs vectors on a Cortex-M4, through the C ABI, and measures the stack that they take.
//!
//! The records come from the host by semihosting (Arm's "Semihosting for AArch32 and AArch64"), so that the image
//! holds no more than the library and this reader.

#![cfg_attr(target_os = "none", no_std, no_main)]
#![allow(missing_docs, reason = "a program")]

#[cfg(not(target_os = "none"))]
fn main() {}

#[cfg(target_os = "none")]
mod board {
    use core::{arch::asm, ffi::c_char, fmt::Write, ptr};

    use licentia_bare::{
        BareKey, BareProof, BareRequest, BareText, BareVerdict, licentia_bare_decode, licentia_bare_verify,
    };

    const SYS_OPEN: u32 = 0x01;
    const SYS_WRITE0: u32 = 0x04;
    const SYS_READ: u32 = 0x06;
    const SYS_EXIT: u32 = 0x18;
    const STOPPED: u32 = 0x2_0026;
    /// What the stack is painted with.
    const PAINT: u32 = 0xc0de_5afe;
    /// How far below it is painted, in words: more than is allowed.
    const PAINTED: usize = 7168;

    unsafe extern "C" {
        static mut bss_start: u32;
        static mut bss_end: u32;
        static mut data_start: u32;
        static mut data_end: u32;
        static data_load: u32;
    }

    #[unsafe(no_mangle)]
    #[unsafe(link_section = ".vectors")]
    pub static VECTORS: [unsafe extern "C" fn() -> !; 15] = {
        let mut vectors: [unsafe extern "C" fn() -> !; 15] = [fault; 15];
        vectors[0] = reset;
        vectors
    };

    unsafe extern "C" fn fault() -> ! {
        say(c"FAILED: a fault\n".as_ptr());
        exit(1)
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn reset() -> ! {
        // SAFETY: the linker script says where the sections are, and nothing runs yet.
        unsafe {
            let mut word = &raw mut bss_start;
            while word < &raw mut bss_end {
                word.write_volatile(0);
                word = word.add(1);
            }
            let (mut word, mut from) = (&raw mut data_start, &raw const data_load);
            while word < &raw mut data_end {
                word.write_volatile(from.read_volatile());
                (word, from) = (word.add(1), from.add(1));
            }
            // The floating-point unit, which the compiler may use.
            let access = 0xe000_ed88 as *mut u32;
            access.write_volatile(access.read_volatile() | 0xf << 20);
            asm!("dsb", "isb");
        }
        run()
    }

    fn call(operation: u32, argument: *const u8) -> u32 {
        let result;
        // SAFETY: the host reads and writes what the operation says, where the argument points to.
        unsafe { asm!("bkpt 0xab", inlateout("r0") operation => result, in("r1") argument) };
        result
    }

    fn say(text: *const c_char) {
        call(SYS_WRITE0, text.cast());
    }

    fn exit(code: u32) -> ! {
        call(SYS_EXIT, if code == 0 { STOPPED as *const u8 } else { ptr::without_provenance(0x2_0024) });
        loop {
            core::hint::spin_loop();
        }
    }

    /// A line that is being written.
    struct Line {
        text: [u8; 160],
        length: usize,
    }

    impl Line {
        fn say(arguments: core::fmt::Arguments<'_>) {
            let mut line = Line { text: [0; 160], length: 0 };
            let _ = line.write_fmt(arguments);
            say(line.text.as_ptr().cast());
        }
    }

    impl Write for Line {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for byte in text.bytes().take(self.text.len() - 1 - self.length) {
                self.text[self.length] = byte;
                self.length += 1;
            }
            Ok(())
        }
    }

    /// A record that is being read.
    struct Record<'a>(&'a [u8]);

    impl<'a> Record<'a> {
        fn take(&mut self, length: usize) -> &'a [u8] {
            let (taken, rest) = self.0.split_at(length);
            self.0 = rest;
            taken
        }

        fn byte(&mut self) -> u8 {
            self.take(1)[0]
        }

        fn short(&mut self) -> u16 {
            u16::from_le_bytes([self.byte(), self.byte()])
        }

        fn number(&mut self) -> u64 {
            self.take(8).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
        }

        fn bytes(&mut self) -> Option<&'a [u8]> {
            match self.short() {
                u16::MAX => None,
                length => Some(self.take(usize::from(length))),
            }
        }

        fn text(&mut self) -> BareText {
            let none = BareText { data: ptr::null(), len: 0 };
            self.bytes().map_or(none, |text| BareText { data: text.as_ptr().cast(), len: text.len() })
        }

        fn pointer(&mut self) -> *const u8 {
            self.bytes().map_or(ptr::null(), <[u8]>::as_ptr)
        }
    }

    static mut RECORD: [u8; 24_576] = [0; 24_576];
    static mut SPACE: [u8; 4096] = [0; 4096];

    fn read(file: u32, to: *mut u8, length: usize) -> bool {
        let block = [file, to as u32, length as u32];
        // What was not read is the answer.
        call(SYS_READ, block.as_ptr().cast()) == 0
    }

    fn run() -> ! {
        let name = c"records.bin";
        let block = [name.as_ptr() as u32, 1, name.to_bytes().len() as u32];
        let file = call(SYS_OPEN, block.as_ptr().cast());
        let (mut ran, mut failed, mut deepest) = (0_u32, 0_u32, 0_usize);
        let mut length = [0; 2];
        while read(file, length.as_mut_ptr(), 2) {
            let length = usize::from(u16::from_le_bytes(length));
            let at = (&raw mut RECORD).cast::<u8>();
            if !read(file, at, length) {
                break;
            }
            // SAFETY: nothing else uses it before the next record is read.
            let mut record = Record(unsafe { core::slice::from_raw_parts(at, length) });
            let (good, found, stack) = case(&mut record);
            ran += 1;
            deepest = deepest.max(stack);
            if !good {
                failed += 1;
                Line::say(format_args!("record {ran}: code {found}\n"));
            }
        }
        Line::say(format_args!("cases {ran}\nfailed {failed}\nstack {deepest}\n"));
        exit(u32::from(ran == 0 || failed > 0))
    }

    /// Runs a case: whether it is as expected, the code that was found, and the stack that was taken, in bytes.
    fn case(record: &mut Record<'_>) -> (bool, u32, usize) {
        let mut keys = [const { BareKey { kid: ptr::null(), kid_len: 0, public_key: ptr::null() } }; 4];
        let keys_len = usize::from(record.byte());
        for key in &mut keys[..keys_len] {
            let kid = record.bytes().unwrap_or_default();
            *key = BareKey { kid: kid.as_ptr(), kid_len: kid.len(), public_key: record.pointer() };
        }
        let (issuer, audience) = (record.text(), record.text());
        let mut features = [BareText { data: ptr::null(), len: 0 }; 8];
        let features_len = usize::from(record.byte());
        features[..features_len].fill_with(|| record.text());
        let node = record.pointer();
        let (skew, release, now) = (record.number(), record.number(), record.number());
        let proof = (record.byte() == 1).then(|| {
            let proof = record.bytes().unwrap_or_default();
            BareProof {
                proof: proof.as_ptr(),
                proof_len: proof.len(),
                method: record.text(),
                uri: record.text(),
                body: record.pointer(),
                max_age: record.number(),
            }
        });
        let (text, bytes) = (record.bytes(), record.bytes());
        let (expected, state) = (u32::from(record.short()), u32::from(record.byte()));
        let request = BareRequest {
            now,
            skew,
            release,
            issuer,
            audience,
            features: features.as_ptr(),
            features_len,
            node,
            proof: proof.as_ref().map_or(ptr::null(), ptr::from_ref),
        };
        let mut token_len = 0;
        let space = (&raw mut SPACE).cast::<u8>();
        let (token, status) = match (text, bytes) {
            (Some(text), _) => {
                // SAFETY: the pointers are of what stands above.
                let status = unsafe {
                    licentia_bare_decode(text.as_ptr().cast(), text.len(), space, 4096, &raw mut token_len)
                };
                (space.cast_const(), status)
            }
            (None, bytes) => {
                token_len = bytes.map_or(0, <[u8]>::len);
                (bytes.map_or(ptr::null(), <[u8]>::as_ptr), 1)
            }
        };
        let (mut found, mut found_state, mut stack) = (status, 0, 0);
        if status == 1 {
            (found, found_state, stack) = measured(&keys[..keys_len], token, token_len, &request);
        }
        let right =
            if expected == u32::from(u16::MAX) { (100..300).contains(&found) } else { found == expected };
        (right && found_state == state, found, stack)
    }

    /// Verifies on a stack that was painted before, and tells how much of the paint is gone.
    #[inline(never)]
    fn measured(
        keys: &[BareKey],
        token: *const u8,
        token_len: usize,
        request: &BareRequest,
    ) -> (u32, u32, usize) {
        let mut verdict = core::mem::MaybeUninit::<BareVerdict>::uninit();
        let sp: *mut u32;
        // SAFETY: this reads a register.
        unsafe { asm!("mov {}, sp", out(reg) sp) };
        // SAFETY: below the stack's end there is nothing, and interrupts are off.
        unsafe { (1..PAINTED).for_each(|at| sp.sub(at).write_volatile(PAINT)) };
        // SAFETY: the pointers are of what the caller lends.
        let (status, verdict) = unsafe {
            let status = licentia_bare_verify(
                keys.as_ptr(),
                keys.len(),
                token,
                token_len,
                request,
                verdict.as_mut_ptr(),
            );
            (status, verdict.assume_init())
        };
        // SAFETY: as above.
        let clean =
            unsafe { (1..PAINTED).rev().take_while(|at| sp.sub(*at).read_volatile() == PAINT).count() };
        let found = if status == 1 { verdict.code } else { status };
        (found, verdict.state, (PAINTED - 1 - clean) * 4)
    }
}
