package chipseal.interop;

import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.TerminalFactory;
import net.sf.scuba.smartcards.CardFileInputStream;
import net.sf.scuba.smartcards.CardService;
import net.sf.scuba.smartcards.CardServiceException;
import net.sf.scuba.smartcards.TerminalCardService;
import org.jmrtd.AccessKeySpec;
import org.jmrtd.BACKey;
import org.jmrtd.DefaultFileSystem;
import org.jmrtd.PACEKeySpec;
import org.jmrtd.PassportService;
import org.jmrtd.Util;
import org.jmrtd.cert.CVCPrincipal;
import org.jmrtd.cert.CVCertificateFactorySpi;
import org.jmrtd.cert.CardVerifiableCertificate;
import org.jmrtd.lds.ActiveAuthenticationInfo;
import org.jmrtd.lds.CVCAFile;
import org.jmrtd.lds.CardAccessFile;
import org.jmrtd.lds.ChipAuthenticationInfo;
import org.jmrtd.lds.ChipAuthenticationPublicKeyInfo;
import org.jmrtd.lds.ImageInfo;
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
import org.jmrtd.lds.icao.DG3File;
import org.jmrtd.lds.iso19794.FaceInfo;
import org.jmrtd.lds.iso19794.FingerInfo;
import org.jmrtd.protocol.AAResult;
import org.jmrtd.protocol.EACCAResult;
import org.jmrtd.protocol.PACECAMResult;
import org.jmrtd.protocol.PACEResult;
import org.jmrtd.protocol.ReadBinaryAPDUSender;

/**
 * Reads the card in a PC/SC reader with JMRTD and prints tab-separated pairs, one a line.
 *
 * <p>Usage: ReadCard READER WAY [IS-FOLDER], with the password on standard input: a CAN, or the
 * document number, date of birth and date of expiry on three lines. WAY is "bac", "bac/select" for a
 * card without short EF identifiers, or a password and a mapping of PACE: "mrz/GM", "can/CAM". IS-FOLDER holds the certificates (*.cvcert, in the order
 * of the chain by their names) and the key (key.der, PKCS#8) of an inspection system, for Terminal
 * Authentication.
 */
public final class ReadCard {
  private static final int BLOCK = PassportService.DEFAULT_MAX_BLOCKSIZE;

  private final PassportService service;
  private final Map<Integer, byte[]> hashes = new TreeMap<>();
  private SODFile sod;
  private PACEResult pace;
  private BigInteger mappingKey;

  private ReadCard(PassportService service) {
    this.service = service;
  }

  public static void main(String[] arguments) throws Exception {
    Security.insertProviderAt(Proofs.PROVIDER, 1);
    var output = new FileOutputStream(FileDescriptor.out);
    System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
    List<String> secret =
        new String(System.in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    Path inspectionSystem = arguments.length > 2 ? Path.of(arguments[2]) : null;
    read(terminal(arguments[0]), arguments[1], secret, inspectionSystem);
  }

  /** Reads the card of a terminal. */
  static void read(CardTerminal terminal, String way, List<String> secret, Path inspectionSystem)
      throws Exception {
    boolean shortIdentifiers = !way.endsWith("/select");
    CardService card = new TerminalCardService(terminal);
    int longest = PassportService.NORMAL_MAX_TRANCEIVE_LENGTH;
    PassportService service = new PassportService(card, longest, BLOCK, shortIdentifiers, true);
    service.open();
    ReadCard reader = new ReadCard(service);
    reader.open(way, secret);
    reader.read(inspectionSystem);
    service.close();
  }

  static CardTerminal terminal(String name) throws Exception {
    for (CardTerminal terminal : TerminalFactory.getDefault().terminals().list()) {
      if (terminal.getName().equals(name)) {
        return terminal;
      }
    }
    throw new IllegalArgumentException("no reader " + name);
  }

  private static void print(String key, Object value) {
    System.out.println(key + "\t" + value);
  }

  // --- access -------------------------------------------------------------------------------

  private void open(String way, List<String> secret) throws Exception {
    if (way.startsWith("bac")) {
      service.sendSelectApplet(false);
      service.doBAC(new BACKey(secret.get(0), secret.get(1), secret.get(2)));
      print("access", "BAC");
      return;
    }
    AccessKeySpec key =
        way.startsWith("can/")
            ? PACEKeySpec.createCANKey(secret.get(0))
            : PACEKeySpec.createMRZKey(new BACKey(secret.get(0), secret.get(1), secret.get(2)));
    var mapping = PACEInfo.MappingType.valueOf(way.substring(way.indexOf('/') + 1));
    CardAccessFile cardAccess =
        new CardAccessFile(service.getInputStream(PassportService.EF_CARD_ACCESS, BLOCK));
    for (SecurityInfo info : cardAccess.getSecurityInfos()) {
      String oid = info.getObjectIdentifier();
      if (info instanceof PACEInfo choice
          && PACEInfo.toMappingType(oid) == mapping
          && pace == null) {
        BigInteger number = choice.getParameterId();
        pace = service.doPACE(key, oid, PACEInfo.toParameterSpec(number), number);
        print("access", choice.getProtocolOIDString() + " " + number);
        mappingKey = number;
      }
    }
    if (pace instanceof PACECAMResult) {
      readCardSecurity();
    }
    service.sendSelectApplet(true);
  }

  /** PassportService reads files of the master file without secure messaging, even after PACE. */
  private void readCardSecurity() throws Exception {
    var masterFile = new DefaultFileSystem(new ReadBinaryAPDUSender(service), false);
    masterFile.setWrapper(pace.getWrapper());
    masterFile.selectFile(PassportService.EF_CARD_SECURITY);
    sayFile("CardSecurity", new CardFileInputStream(BLOCK, masterFile).readAllBytes());
  }

  // --- reading ------------------------------------------------------------------------------

  private void read(Path inspectionSystem) throws Exception {
    sod = new SODFile(new ByteArrayInputStream(file("SOD", PassportService.EF_SOD)));
    hashes.putAll(sod.getDataGroupHashes());
    print("sod-signature", Proofs.isSigned(sod));
    COMFile com = new COMFile(new ByteArrayInputStream(file("COM", PassportService.EF_COM)));
    print("com", HexFormat.of().formatHex(toOctets(com.getTagList())) + " " + com.getLDSVersion());
    DG1File dg1 = new DG1File(dataGroup(1));
    print("mrz", dg1.getMRZInfo().toString().replace("\n", ""));
    print("document-number", dg1.getMRZInfo().getDocumentNumber());
    EACCAResult chip = null;
    DG14File dg14 = hashes.containsKey(14) ? new DG14File(dataGroup(14)) : null;
    if (hashes.containsKey(15)) {
      authenticateActively(new DG15File(dataGroup(15)), dg14);
    }
    if (dg14 != null) {
      if (pace instanceof PACECAMResult proof) {
        print("chip-authentication-mapping", Proofs.isProven(proof, dg14, mappingKey));
      }
      chip = authenticateChip(dg14);
    }
    if (inspectionSystem != null) {
      authenticateTerminal(inspectionSystem, chip, dg1);
    }
    for (FaceInfo face : new DG2File(dataGroup(2)).getFaceInfos()) {
      for (ImageInfo image : face.getFaceImageInfos()) {
        print("face", describe(image));
      }
    }
    for (int number : hashes.keySet()) {
      switch (number) {
        case 1, 2, 14, 15 -> {}
        case 3 -> readFingers();
        case 11 -> print("name", new DG11File(dataGroup(11)).getNameOfHolder());
        case 12 -> print("authority", new DG12File(dataGroup(12)).getIssuingAuthority());
        default -> dataGroup(number);
      }
    }
  }

  private void readFingers() throws Exception {
    DG3File dg3;
    try {
      dg3 = new DG3File(dataGroup(3));
    } catch (CardServiceException refused) {
      print("fingers-refused", refused.getMessage());
      return;
    }
    for (FingerInfo finger : dg3.getFingerInfos()) {
      for (ImageInfo image : finger.getFingerImageInfos()) {
        print("finger", describe(image));
      }
    }
  }

  private static String describe(ImageInfo image) throws Exception {
    byte[] octets = image.getImageInputStream().readAllBytes();
    return String.join(" ", image.getMimeType(), Integer.toString(octets.length), sha256(octets));
  }

  private byte[] file(String name, short identifier) throws Exception {
    byte[] octets = service.getInputStream(identifier, BLOCK).readAllBytes();
    sayFile(name, octets);
    return octets;
  }

  private static void sayFile(String name, byte[] octets) throws GeneralSecurityException {
    print("file", name + " " + octets.length + " " + sha256(octets));
  }

  private InputStream dataGroup(int number) throws Exception {
    byte[] octets = file("DG" + number, (short) (0x0100 + number));
    byte[] hash = MessageDigest.getInstance(sod.getDigestAlgorithm()).digest(octets);
    print("hash", "DG" + number + " " + Arrays.equals(hash, hashes.get(number)));
    return new ByteArrayInputStream(octets);
  }

  private static String sha256(byte[] octets) throws GeneralSecurityException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(octets));
  }

  private static byte[] toOctets(int[] tags) {
    byte[] octets = new byte[tags.length];
    for (int index = 0; index < tags.length; index++) {
      octets[index] = (byte) tags[index];
    }
    return octets;
  }

  // --- authentication -----------------------------------------------------------------------

  private EACCAResult authenticateChip(DG14File dg14) throws Exception {
    for (SecurityInfo each : dg14.getSecurityInfos()) {
      if (each instanceof ChipAuthenticationInfo variant) {
        for (SecurityInfo other : dg14.getSecurityInfos()) {
          if (other instanceof ChipAuthenticationPublicKeyInfo key
              && Objects.equals(key.getKeyId(), variant.getKeyId())) {
            EACCAResult result =
                service.doEACCA(
                    variant.getKeyId(),
                    variant.getObjectIdentifier(),
                    key.getObjectIdentifier(),
                    key.getSubjectPublicKey());
            print("chip-authentication", variant.getProtocolOIDString());
            return result;
          }
        }
      }
    }
    return null;
  }

  private void authenticateActively(DG15File dg15, DG14File dg14) throws Exception {
    String algorithm = null;
    for (SecurityInfo info : dg14 == null ? List.<SecurityInfo>of() : dg14.getSecurityInfos()) {
      if (info instanceof ActiveAuthenticationInfo active) {
        algorithm = ActiveAuthenticationInfo.lookupMnemonicByOID(active.getSignatureAlgorithmOID());
      }
    }
    PublicKey key = dg15.getPublicKey();
    byte[] challenge = new byte[8];
    new SecureRandom().nextBytes(challenge);
    String digest =
        algorithm == null ? "SHA-1" : Util.inferDigestAlgorithmFromSignatureAlgorithm(algorithm);
    AAResult result = service.doAA(key, digest, algorithm, challenge);
    boolean proven = Proofs.isProven(key, algorithm, challenge, result.getResponse());
    print("active-authentication", proven + " " + key.getAlgorithm());
  }

  private void authenticateTerminal(Path folder, EACCAResult chip, DG1File dg1) throws Exception {
    List<Path> names;
    try (var files = Files.list(folder)) {
      names = files.filter(each -> each.toString().endsWith(".cvcert")).sorted().toList();
    }
    CVCertificateFactorySpi factory = new CVCertificateFactorySpi();
    List<CardVerifiableCertificate> chain = new ArrayList<>();
    for (Path name : names) {
      try (InputStream octets = Files.newInputStream(name)) {
        chain.add((CardVerifiableCertificate) factory.engineGenerateCertificate(octets));
      }
    }
    CardVerifiableCertificate own = chain.get(chain.size() - 1);
    var encoded = new PKCS8EncodedKeySpec(Files.readAllBytes(folder.resolve("key.der")));
    String family = own.getSigAlgName().contains("ECDSA") ? "EC" : "RSA";
    PrivateKey key = KeyFactory.getInstance(family, Proofs.PROVIDER).generatePrivate(encoded);
    InputStream cvca = service.getInputStream(PassportService.EF_CVCA, BLOCK);
    CVCPrincipal authority = new CVCAFile(cvca).getCAReference();
    if (pace != null) {
      service.doEACTA(authority, chain, key, own.getSigAlgName(), chip, pace);
    } else {
      String number = dg1.getMRZInfo().getDocumentNumber();
      service.doEACTA(authority, chain, key, own.getSigAlgName(), chip, number);
    }
    print("terminal-authentication", own.getHolderReference().getName());
  }
}
