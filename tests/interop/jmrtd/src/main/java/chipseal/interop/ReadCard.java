package chipseal.interop;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
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
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Cipher;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.TerminalFactory;
import net.sf.scuba.smartcards.CardService;
import net.sf.scuba.smartcards.CardServiceException;
import net.sf.scuba.smartcards.TerminalCardService;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jmrtd.AccessKeySpec;
import org.jmrtd.BACKey;
import org.jmrtd.BACKeySpec;
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
import org.jmrtd.lds.PACEInfo;
import org.jmrtd.lds.SODFile;
import org.jmrtd.lds.SecurityInfo;
import org.jmrtd.lds.icao.DG14File;
import org.jmrtd.lds.icao.DG15File;
import org.jmrtd.lds.icao.DG1File;
import org.jmrtd.lds.icao.DG2File;
import org.jmrtd.lds.icao.DG3File;
import org.jmrtd.protocol.AAResult;
import org.jmrtd.protocol.EACCAResult;
import org.jmrtd.protocol.PACECAMResult;
import org.jmrtd.protocol.PACEResult;

/**
 * Reads the card in a PC/SC reader with JMRTD and prints, one line each, what it found.
 *
 * <p>Usage: ReadCard READER WAY [IS-FOLDER], with the password on standard input: a CAN, or the
 * document number, date of birth and date of expiry on three lines. WAY is "bac", "pace-mrz" or
 * "pace-can". IS-FOLDER holds the certificates (*.cvcert, in chain order by name) and the key
 * (key.der, PKCS#8) of an inspection system, for Terminal Authentication.
 */
public final class ReadCard {
  private static final int BLOCK = PassportService.DEFAULT_MAX_BLOCKSIZE;
  private static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();

  private final PassportService service;
  private final Map<Integer, byte[]> hashes = new TreeMap<>();
  private PACEResult pace;
  private BACKeySpec mrzKey;

  private ReadCard(PassportService service) {
    this.service = service;
  }

  public static void main(String[] arguments) throws Exception {
    Security.insertProviderAt(PROVIDER, 1);
    List<String> secret =
        new String(System.in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    CardService card = new TerminalCardService(terminal(arguments[0]));
    PassportService service =
        new PassportService(card, PassportService.NORMAL_MAX_TRANCEIVE_LENGTH, BLOCK, true, true);
    service.open();
    ReadCard reader = new ReadCard(service);
    reader.open(arguments[1], secret);
    reader.read(arguments.length > 2 ? Path.of(arguments[2]) : null);
    service.close();
  }

  private static CardTerminal terminal(String name) throws Exception {
    for (CardTerminal terminal : TerminalFactory.getDefault().terminals().list()) {
      if (terminal.getName().equals(name)) {
        return terminal;
      }
    }
    throw new IllegalArgumentException("no reader " + name);
  }

  private static void say(String key, Object value) {
    System.out.println(key + "\t" + value);
  }

  private void open(String way, List<String> secret) throws Exception {
    if (secret.size() == 3) {
      mrzKey = new BACKey(secret.get(0), secret.get(1), secret.get(2));
    }
    if (way.equals("bac")) {
      service.sendSelectApplet(false);
      service.doBAC(mrzKey);
      say("access", "BAC");
      return;
    }
    AccessKeySpec key =
        way.equals("pace-can")
            ? PACEKeySpec.createCANKey(secret.get(0))
            : PACEKeySpec.createMRZKey(mrzKey);
    CardAccessFile cardAccess =
        new CardAccessFile(service.getInputStream(PassportService.EF_CARD_ACCESS, BLOCK));
    for (SecurityInfo info : cardAccess.getSecurityInfos()) {
      if (info instanceof PACEInfo choice && pace == null) {
        BigInteger parameter = choice.getParameterId();
        pace =
            service.doPACE(
                key, choice.getObjectIdentifier(), PACEInfo.toParameterSpec(parameter), parameter);
        say("access", choice.getProtocolOIDString() + " " + parameter);
      }
    }
    if (pace instanceof PACECAMResult mapping) {
      say("chip-authentication-mapping", mapping.getChipAuthenticationData() != null);
    }
    service.sendSelectApplet(true);
  }

  private void read(Path inspectionSystem) throws Exception {
    byte[] sodOctets = file("SOD", PassportService.EF_SOD);
    SODFile sod = new SODFile(new ByteArrayInputStream(sodOctets));
    hashes.putAll(sod.getDataGroupHashes());
    say("sod-signature", verifies(sod));
    DG1File dg1 = new DG1File(stream(1, PassportService.EF_DG1, sod));
    say("document-number", dg1.getMRZInfo().getDocumentNumber());
    EACCAResult chip = null;
    if (hashes.containsKey(14)) {
      chip = authenticateChip(new DG14File(stream(14, PassportService.EF_DG14, sod)), sod);
    }
    if (inspectionSystem != null) {
      authenticateTerminal(inspectionSystem, chip, dg1);
    }
    DG2File dg2 = new DG2File(stream(2, PassportService.EF_DG2, sod));
    say("faces", dg2.getFaceInfos().get(0).getFaceImageInfos().size());
    for (int number : hashes.keySet()) {
      short identifier = (short) (0x0100 + number);
      if (number == 3) {
        readFingers(sod, inspectionSystem != null);
      } else if (number > 3 && number < 14) {
        stream(number, identifier, sod);
      }
    }
  }

  private void readFingers(SODFile sod, boolean authorised) throws Exception {
    try {
      DG3File dg3 = new DG3File(stream(3, PassportService.EF_DG3, sod));
      say("fingers", dg3.getFingerInfos().size());
    } catch (CardServiceException refused) {
      say("fingers-refused", Integer.toHexString(refused.getSW()));
      if (authorised) {
        throw refused;
      }
    }
  }

  private EACCAResult authenticateChip(DG14File dg14, SODFile sod) throws Exception {
    EACCAResult result = null;
    String oid = null;
    BigInteger keyId = null;
    String digest = null;
    for (SecurityInfo info : dg14.getSecurityInfos()) {
      if (info instanceof ChipAuthenticationInfo chip && chip.getVersion() == 1) {
        oid = chip.getObjectIdentifier();
        keyId = chip.getKeyId();
      } else if (info instanceof ActiveAuthenticationInfo active) {
        digest =
            ActiveAuthenticationInfo.lookupMnemonicByOID(active.getSignatureAlgorithmOID());
      }
    }
    if (hashes.containsKey(15)) {
      authenticateActively(new DG15File(stream(15, PassportService.EF_DG15, sod)), digest);
    }
    for (SecurityInfo info : dg14.getSecurityInfos()) {
      if (info instanceof ChipAuthenticationPublicKeyInfo key && oid != null) {
        result =
            service.doEACCA(keyId, oid, key.getObjectIdentifier(), key.getSubjectPublicKey());
        say("chip-authentication", oid);
        break;
      }
    }
    return result;
  }

  private void authenticateActively(DG15File dg15, String algorithm) throws Exception {
    PublicKey key = dg15.getPublicKey();
    byte[] challenge = new byte[8];
    new SecureRandom().nextBytes(challenge);
    String digest = algorithm == null ? "SHA-1" : Util.inferDigestAlgorithmFromSignatureAlgorithm(algorithm);
    AAResult result = service.doAA(key, digest, algorithm, challenge);
    say("active-authentication", provesPossession(key, algorithm, challenge, result.getResponse()));
  }

  private static boolean provesPossession(
      PublicKey key, String algorithm, byte[] challenge, byte[] response)
      throws GeneralSecurityException {
    if (key instanceof ECPublicKey) {
      Signature signature =
          Signature.getInstance(algorithm.replace("withECDSA", "withPLAIN-ECDSA"), PROVIDER);
      signature.initVerify(key);
      signature.update(challenge);
      return signature.verify(response);
    }
    Cipher cipher = Cipher.getInstance("RSA/NONE/NoPadding", PROVIDER);
    cipher.init(Cipher.DECRYPT_MODE, key);
    byte[] plain = cipher.doFinal(response);
    boolean twoOctets = (plain[plain.length - 1] & 0xFF) == 0xCC;
    String digest =
        !twoOctets
            ? "SHA-1"
            : Map.of(0x38, "SHA-224", 0x34, "SHA-256", 0x36, "SHA-384", 0x35, "SHA-512")
                .get((int) plain[plain.length - 2]);
    int trailer = twoOctets ? 2 : 1;
    MessageDigest hash = MessageDigest.getInstance(digest);
    int end = plain.length - trailer - hash.getDigestLength();
    hash.update(plain, 1, end - 1);
    hash.update(challenge);
    byte[] printed = java.util.Arrays.copyOfRange(plain, end, plain.length - trailer);
    return MessageDigest.isEqual(hash.digest(), printed);
  }

  private void authenticateTerminal(Path folder, EACCAResult chip, DG1File dg1) throws Exception {
    List<CardVerifiableCertificate> chain = new ArrayList<>();
    try (var names = Files.list(folder)) {
      for (Path name : names.filter(each -> each.toString().endsWith(".cvcert")).sorted().toList()) {
        try (InputStream octets = Files.newInputStream(name)) {
          chain.add(
              (CardVerifiableCertificate)
                  new CVCertificateFactorySpi().engineGenerateCertificate(octets));
        }
      }
    }
    PrivateKey key =
        KeyFactory.getInstance("EC", PROVIDER)
            .generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(folder.resolve("key.der"))));
    CVCPrincipal authority;
    try {
      authority =
          new CVCAFile(service.getInputStream(PassportService.EF_CVCA, BLOCK)).getCAReference();
    } catch (CardServiceException absent) {
      authority = chain.get(0).getAuthorityReference();
    }
    String algorithm = chain.get(chain.size() - 1).getSigAlgName();
    if (pace != null) {
      service.doEACTA(authority, chain, key, algorithm, chip, pace);
    } else {
      service.doEACTA(
          authority, chain, key, algorithm, chip, dg1.getMRZInfo().getDocumentNumber());
    }
    say("terminal-authentication", chain.get(chain.size() - 1).getHolderReference().getName());
  }

  private static boolean verifies(SODFile sod) throws GeneralSecurityException {
    Signature signature = Signature.getInstance(sod.getDigestEncryptionAlgorithm(), PROVIDER);
    signature.initVerify(sod.getDocSigningCertificate());
    signature.update(sod.getEContent());
    return signature.verify(sod.getEncryptedDigest());
  }

  private byte[] file(String name, short identifier) throws CardServiceException, IOException {
    byte[] octets = service.getInputStream(identifier, BLOCK).readAllBytes();
    say("file", name + " " + octets.length);
    return octets;
  }

  private InputStream stream(int number, short identifier, SODFile sod) throws Exception {
    byte[] octets = file("DG" + number, identifier);
    byte[] hash = MessageDigest.getInstance(sod.getDigestAlgorithm()).digest(octets);
    byte[] signed = hashes.getOrDefault(number, new byte[0]);
    say("hash", "DG" + number + " " + MessageDigest.isEqual(hash, signed) + " " + HexFormat.of().formatHex(hash));
    return new ByteArrayInputStream(octets);
  }
}
