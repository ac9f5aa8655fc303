package chipseal.interop;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import javax.smartcardio.CardTerminal;
import net.sf.scuba.smartcards.CardServiceException;
import net.sf.scuba.smartcards.TerminalCardService;
import org.jmrtd.AccessKeySpec;
import org.jmrtd.BACKey;
import org.jmrtd.PACEKeySpec;
import org.jmrtd.PassportService;
import org.jmrtd.lds.CardAccessFile;
import org.jmrtd.lds.PACEInfo;
import org.jmrtd.lds.SODFile;
import org.jmrtd.lds.SecurityInfo;
import org.jmrtd.lds.icao.COMFile;
import org.jmrtd.lds.icao.DG11File;
import org.jmrtd.lds.icao.DG12File;
import org.jmrtd.lds.icao.DG14File;
import org.jmrtd.lds.icao.DG15File;
import org.jmrtd.lds.icao.DG1File;
import org.jmrtd.lds.icao.DG2File;
import org.jmrtd.lds.icao.DG5File;
import org.jmrtd.lds.icao.DG7File;

/**
 * JMRTD for the table of docs/interop.md: reads the cards that are put into a PC/SC reader.
 *
 * <p>Usage: TableReader READER. The protocol is that of tests/interop/table/reading.py. It calls
 * JMRTD with its own block size, as applications do: PACE by Chip Authentication Mapping if the card
 * offers it, PACE by another mapping, or else BAC; then EF.COM, EF.SOD, and the data groups that EF.SOD names.
 */
public final class TableReader {
  private final PrintStream out =
      new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
  private final CardTerminal terminal;

  private TableReader(CardTerminal terminal) {
    this.terminal = terminal;
  }

  public static void main(String[] arguments) throws Exception {
    Security.insertProviderAt(Proofs.PROVIDER, 1);
    System.setOut(System.err); // JMRTD writes there too
    TableReader reader = new TableReader(ReadCard.terminal(arguments[0]));
    String place = PassportService.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    reader.say("JMRTD " + place.replaceFirst(".*jmrtd-(.*)\\.jar$", "$1"));
    reader.say("");
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        reader.read(line.split("\t"));
      } catch (Exception | LinkageError e) {
        reader.say("error", e.toString().lines().findFirst().orElse(""));
      }
      reader.say("");
    }
  }

  private void say(String... words) {
    out.println(String.join("\t", words));
  }

  private void read(String[] words) throws Exception {
    terminal.waitForCardPresent(10_000);
    PassportService service =
        new PassportService(
            new TerminalCardService(terminal),
            PassportService.NORMAL_MAX_TRANCEIVE_LENGTH,
            PassportService.DEFAULT_MAX_BLOCKSIZE,
            false,
            true);
    service.open();
    try {
      open(service, words);
      Map<String, byte[]> files = new TreeMap<>();
      SODFile sod = readFiles(service, files);
      if (sod != null) {
        boolean genuine = isGenuine(sod, files, words[words.length - 1]);
        say("genuine", Boolean.toString(genuine));
      }
    } finally {
      service.close();
    }
  }

  // --- access -------------------------------------------------------------------------------

  private void open(PassportService service, String[] words) throws Exception {
    BACKey printed = words[0].equals("mrz") ? new BACKey(words[1], words[2], words[3]) : null;
    AccessKeySpec key =
        printed == null
            ? PACEKeySpec.createCANKey(words[1])
            : PACEKeySpec.createMRZKey(printed);
    PACEInfo offered = offeredBy(service);
    if (offered != null) {
      service.doPACE(
          key,
          offered.getObjectIdentifier(),
          PACEInfo.toParameterSpec(offered.getParameterId()),
          offered.getParameterId());
      service.sendSelectApplet(true);
      say("access", "PACE-" + PACEInfo.toMappingType(offered.getObjectIdentifier()));
    } else {
      service.sendSelectApplet(false);
      service.doBAC(printed);
      say("access", "BAC");
    }
  }

  /** The last PACEInfo: in the order of DER, Chip Authentication Mapping comes after the others. */
  private static PACEInfo offeredBy(PassportService service) {
    Collection<SecurityInfo> infos;
    try {
      infos =
          new CardAccessFile(service.getInputStream(PassportService.EF_CARD_ACCESS))
              .getSecurityInfos();
    } catch (CardServiceException | IOException none) {
      return null;
    }
    return infos.stream()
        .filter(PACEInfo.class::isInstance)
        .map(PACEInfo.class::cast)
        .max(Comparator.comparing(PACEInfo::getObjectIdentifier))
        .orElse(null);
  }

  // --- files --------------------------------------------------------------------------------

  /** Reads EF.COM, EF.SOD and the data groups that EF.SOD names. Returns EF.SOD, or null. */
  private SODFile readFiles(PassportService service, Map<String, byte[]> files) {
    take(service, files, "COM", PassportService.EF_COM);
    SODFile sod = null;
    byte[] octets = take(service, files, "SOD", PassportService.EF_SOD);
    if (octets != null) {
      try {
        sod = new SODFile(new ByteArrayInputStream(octets));
      } catch (IOException unexpected) {
        throw new AssertionError(unexpected); // it was decoded before
      }
    }
    Collection<Integer> numbers =
        sod == null ? Arrays.asList(1, 2, 11, 12, 14, 15) : sod.getDataGroupHashes().keySet();
    for (int number : numbers) {
      if (number != 3 && number != 4) {
        take(service, files, "DG" + number, (short) (0x0100 + number));
      }
    }
    return sod;
  }

  /** Reads a file and has JMRTD decode it; returns null, and says why, if one of them fails. */
  private byte[] take(
      PassportService service, Map<String, byte[]> files, String name, short identifier) {
    try {
      byte[] octets = service.getInputStream(identifier).readAllBytes();
      decode(name, new ByteArrayInputStream(octets));
      files.put(name, octets);
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(octets);
      say("file", name, HexFormat.of().formatHex(digest));
      return octets;
    } catch (Exception | LinkageError e) {
      say("error", name, e.toString().lines().findFirst().orElse(""));
      return null;
    }
  }

  private static void decode(String name, InputStream octets) throws Exception {
    switch (name) {
      case "COM" -> new COMFile(octets);
      case "SOD" -> new SODFile(octets).getDataGroupHashes();
      case "DG1" -> new DG1File(octets).getMRZInfo();
      case "DG2" -> new DG2File(octets).getFaceInfos();
      case "DG5" -> new DG5File(octets).getImages();
      case "DG7" -> new DG7File(octets).getImages();
      case "DG11" -> new DG11File(octets).getNameOfHolder();
      case "DG12" -> new DG12File(octets).getDateOfIssue();
      case "DG14" -> new DG14File(octets).getSecurityInfos();
      case "DG15" -> new DG15File(octets).getPublicKey();
      default -> {} // JMRTD has no class for it
    }
  }

  // --- passive authentication, of which JMRTD has the parts --------------------------------------

  private boolean isGenuine(SODFile sod, Map<String, byte[]> files, String csca) {
    try (InputStream octets = Files.newInputStream(Path.of(csca))) {
      var factory = CertificateFactory.getInstance("X.509", Proofs.PROVIDER);
      X509Certificate authority = (X509Certificate) factory.generateCertificate(octets);
      X509Certificate signer = sod.getDocSigningCertificate();
      signer.verify(authority.getPublicKey(), Proofs.PROVIDER);
      return Proofs.isSigned(sod) && areHashed(sod, files);
    } catch (Exception e) {
      say("error", "passive authentication", e.toString().lines().findFirst().orElse(""));
      return false;
    }
  }

  private static boolean areHashed(SODFile sod, Map<String, byte[]> files)
      throws GeneralSecurityException {
    MessageDigest digest = MessageDigest.getInstance(sod.getDigestAlgorithm());
    for (Map.Entry<Integer, byte[]> each : sod.getDataGroupHashes().entrySet()) {
      byte[] octets = files.get("DG" + each.getKey());
      if (octets != null && !Arrays.equals(digest.digest(octets), each.getValue())) {
        return false;
      }
    }
    return true;
  }
}
