package io.licentia.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * Finds the shared library: the file that the system property {@code licentia.library} names, or the one of the jar.
 *
 * <p>A system cannot load a library from within a jar, so it is copied once to a folder of the user's, under a name that
 * has its digest: the property {@code licentia.cache}, or the user's cache folder, or a temporary one.
 */
final class NativeLibrary {
    private NativeLibrary() {}

    static Path find() {
        String given = System.getProperty("licentia.library");
        if (given != null) {
            return Path.of(given).toAbsolutePath();
        }
        String platform = platform();
        String file = System.mapLibraryName("licentia");
        URL resource = NativeLibrary.class.getResource("/io/licentia/natives/" + platform + "/" + file);
        if (resource == null) {
            throw new UnsatisfiedLinkError("this jar has no library for " + platform
                    + "; build one with `cargo xtask install` and name it: -Dlicentia.library=/path/to/" + file);
        }
        try {
            // Classes of a folder, such as those of a build, need no copy.
            return resource.getProtocol().equals("file") ? Path.of(resource.toURI()) : copy(resource, file);
        } catch (IOException | java.net.URISyntaxException cause) {
            throw new UncheckedIOException(cause instanceof IOException known ? known : new IOException(cause));
        }
    }

    private static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String name = system.startsWith("mac") ? "macos" : system.startsWith("windows") ? "windows" : "linux";
        String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return name + "-" + (machine.equals("amd64") ? "x86_64" : machine.equals("arm64") ? "aarch64" : machine);
    }

    private static Path copy(URL resource, String file) throws IOException {
        byte[] bytes;
        try (InputStream input = resource.openStream()) {
            bytes = input.readAllBytes();
        }
        byte[] digest = digest(bytes);
        Path folder = folder().resolve(HexFormat.of().formatHex(digest, 0, 16));
        Path target = folder.resolve(file);
        // A file that another user could have written is not trusted by its name.
        if (Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
                && MessageDigest.isEqual(digest(Files.readAllBytes(target)), digest)) {
            return target;
        }
        Files.createDirectories(folder);
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
        Path written = Files.createTempFile(folder, "licentia", ".tmp");
        Files.write(written, bytes);
        return Files.move(written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static Path folder() throws IOException {
        String given = System.getProperty("licentia.cache");
        String cache = System.getenv("XDG_CACHE_HOME");
        String home = System.getProperty("user.home");
        for (String folder : new String[] {given, cache, home == null ? null : home + "/.cache"}) {
            if (folder != null && !folder.isEmpty() && isWritable(Path.of(folder))) {
                return Path.of(folder).resolve("licentia");
            }
        }
        return Files.createTempDirectory("licentia");
    }

    private static boolean isWritable(Path folder) {
        Path existing = folder.toAbsolutePath();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        return existing != null && Files.isDirectory(existing) && Files.isWritable(existing);
    }

    private static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
